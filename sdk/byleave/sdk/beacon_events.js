(() => {
  const { events } = JSON.parse(document.querySelector("script#byleave-data").textContent);
  const add = (name, properties) => events.includes(name)
    && dispatchEvent(new CustomEvent("byleave:news", { detail: ["events", [name, properties]] }));
  const on = (type, act) => addEventListener(type, act, true);
  // Not `form.id`, which is a field where one is called that.
  const nameOf = (form) => form.dataset.byleaveForm
    || form.getAttribute("id") || form.getAttribute("name") || "";

  // What nobody finished counts once the page is left, not while it is only covered.
  let forms = new Set();
  const abandon = () => {
    forms.forEach((form) => add("form_abandon", { form }));
    forms.clear();
  };
  let depth, since;
  on("byleave:view", () => {
    depth = 0;
    since = Date.now();
  });
  on("byleave:leave", () => {
    if (!document.hidden) abandon();
    if (since) add("dwell", { seconds: Math.round((Date.now() - since) / 1000) });
    since = 0;
  });
  on("pagehide", abandon);
  on("visibilitychange", () => {
    if (!document.hidden) since = Date.now();
  });

  on("input", ({ target }) => {
    if (!target.form) return;
    const form = nameOf(target.form);
    if (forms.has(form)) return;
    forms.add(form);
    add("form_start", { form });
  });
  on("submit", ({ target }) => {
    const form = nameOf(target);
    forms.delete(form);
    add("form_submit", { form });
    if (target.closest("search, [role=search]")) add("search", {});
  });
  on("scroll", () => {
    const { scrollHeight } = document.documentElement;
    const now = Math.min(4, Math.floor((4 * (scrollY + innerHeight)) / scrollHeight)) * 25;
    if (now > depth) add("scroll", { depth: (depth = now) });
  });
})();
