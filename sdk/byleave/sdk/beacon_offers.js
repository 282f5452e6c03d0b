(() => {
  const { offers } = JSON.parse(document.querySelector("script#byleave-data").textContent);
  const root = document.documentElement;
  const wanted = new Set();
  let isOver = true;
  setTimeout(() => (isOver = false), 5000);
  const on = (type, act) => addEventListener(type, act, true);

  // One for each visit, and never in somebody's way; browsers without popovers show none.
  const mayOpen = () => !isOver && !document.hidden && "popover" in root
    && !document.cookie.includes("byleave_shown=")
    && !document.querySelector("dialog[open],[aria-modal=true],:popover-open")
    && !document.activeElement?.matches("input,textarea,select,[contenteditable]");

  const open = (offer, template) => {
    const isDialog = offer.show === "dialog";
    const box = document.createElement(isDialog ? "dialog" : "div");
    const close = document.createElement("button");
    box.className = "byleave-offer";
    box.dataset.byleaveSlot = offer.slot;
    box.append(template.content.cloneNode(true), close);
    box.ariaLabel = box.querySelector("h1,h2,h3")?.textContent || offer.label;
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
    dispatchEvent(new CustomEvent("byleave:news", { detail: ["pending", offer.sealed] }));
    dispatchEvent(new CustomEvent("byleave:send"));
    const template = document.querySelector(`template[id="byleave-offer-${offer.slot}"]`);
    if (template) open(offer, template);
  };
  const want = (offer) => wanted.add(offer) && fire(offer);
  setInterval(() => wanted.forEach(fire), 1000);

  offers.forEach((offer) => {
    if (offer.exit && matchMedia("(hover)").matches)
      root.addEventListener("mouseleave", ({ clientY }) => clientY < 1 && fire(offer));
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
