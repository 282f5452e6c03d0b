(() => {
  const { offers } = JSON.parse(document.getElementById("byleave-data").textContent);
  const wanted = new Set();
  let isOver = true;
  setTimeout(() => (isOver = false), 5000);
  const say = (name, detail) => dispatchEvent(new CustomEvent("byleave:" + name, { detail }));
  const on = (type, act) => addEventListener(type, act, true);

  // One for each visit, and never in somebody's way.
  const mayOpen = () => !isOver && !document.hidden
    && !document.cookie.includes("byleave_shown=")
    && !document.querySelector("dialog[open], [aria-modal=true], :popover-open")
    && !document.activeElement?.matches("input, textarea, select, [contenteditable]");

  const open = (offer, template) => {
    const isDialog = offer.show === "dialog";
    const box = document.createElement(isDialog ? "dialog" : "div");
    const close = document.createElement("button");
    box.className = "byleave-offer";
    box.dataset.byleaveSlot = offer.slot;
    box.append(template.content.cloneNode(true), close);
    const heading = box.querySelector("h1,h2,h3");
    box.ariaLabel = heading?.textContent || offer.label;
    close.textContent = offer.close;
    close.onclick = () => isDialog ? box.close() : box.hidePopover();
    document.body.append(box);
    box.role = "dialog";
    if (isDialog) return box.showModal();
    box.popover = "auto";
    box.showPopover();
  };

  // The control has no template: it tells at the same moment, and shows nothing.
  const fire = (offer) => {
    if (!mayOpen()) return;
    isOver = true;
    say("news", ["pending", offer.sealed]);
    say("send");
    const template = document.getElementById("byleave-offer-" + offer.slot);
    if (template) open(offer, template);
  };
  const want = (offer) => wanted.add(offer) && fire(offer);
  setInterval(() => wanted.forEach(fire), 1000);

  const root = document.documentElement;
  offers.forEach((offer) => {
    if (offer.exit && matchMedia("(hover: hover)").matches)
      root.addEventListener("mouseleave", ({ clientY }) => clientY <= 0 && fire(offer));
    if (offer.scroll) on("scroll", () => {
      if (scrollY + innerHeight >= offer.scroll * root.scrollHeight) want(offer);
    });
    if (offer.after) setTimeout(want, offer.after, offer);
    if (offer.idle) {
      let timer;
      const rest = () => {
        clearTimeout(timer);
        timer = setTimeout(want, offer.idle, offer);
      };
      ["pointermove", "keydown", "scroll"].forEach((type) => on(type, rest));
      rest();
    }
    let at = 0;
    if (offer.events) on("byleave:news", ({ detail: [kind, [name]] }) => {
      if (kind === "events" && name === offer.events[at] && !offer.events[++at]) want(offer);
    });
  });
})();
