(() => {
  // By its element, too: what a visitor writes into a page may have an id.
  const data = document.querySelector("script#byleave-data");
  const page = data && JSON.parse(data.textContent);
  const post = (path, body) =>
    (path === "events" && navigator.sendBeacon?.("/.byleave/events", body)) ||
    fetch(`/.byleave/${path}`, { method: "POST", body, keepalive: true, redirect: "manual" })
      .catch(() => {});

  let isOver = !page;
  let news = {};
  const add = (kind, item) => {
    const items = (news[kind] ??= []);
    if (!isOver && items.length < 50) items.push(item);
  };
  const send = () => {
    if (isOver || !Object.keys(news).length) return;
    post("events", JSON.stringify({ ...news, receipt: page.receipt }));
    news = {};
  };

  // Consent tools change cookies; the site is told at once, and forgets at once.
  const tell = () => post("events", "{}");
  addEventListener("byleave:consent", ({ detail: { choice, purposes = [] } }) => {
    const form = new URLSearchParams({ choice });
    purposes.forEach((purpose) => form.append("purpose", purpose));
    isOver ||= choice !== "accept";
    post("consent", form);
  });
  addEventListener("OneTrustGroupsUpdated", tell);
  window.__tcfapi?.("addEventListener", 2, (tc, isGood) => {
    if (isGood && tc.eventStatus === "useractioncomplete") tell();
  });
  if (!page) return;

  // A slot counts as seen after one second with half of it in view; one that is taller than
  // the window can never be, so there the middle of the window has to be inside it.
  let watched, seen, path;
  const watch = () => document.querySelectorAll("[data-byleave-slot]").forEach((host) => {
    if (watched.has(host)) return;
    watched.add(host);
    const slot = host.dataset.byleaveSlot;
    const view = seen;
    let timer;
    const observer = new IntersectionObserver(([entry]) => {
      clearTimeout(timer);
      if (entry.isIntersecting) timer = setTimeout(() => {
        observer.disconnect();
        if (view !== seen || seen.has(slot)) return;
        seen.add(slot);
        add("seen", slot);
      }, 1000);
    }, host.offsetHeight > innerHeight
      ? { rootMargin: "-50% 0px -50% 0px" } : { threshold: 0.5 });
    observer.observe(host);
  });

  // The files that are loaded only where a definition wants them follow views by these events.
  const say = (name) => dispatchEvent(new Event(`byleave:${name}`));
  const view = () => {
    watched = new WeakSet();
    seen = new Set();
    path = location.pathname;
    if (page.seen) watch();
    say("view");
  };
  const leave = () => {
    say("leave");
    send();
  };
  const again = () => {
    leave();
    if (page.events.includes("page_view")) {
      add("events", ["page_view", { path: location.pathname }]);
    }
    view();
  };
  const move = () => path !== location.pathname && again();

  const begin = () => {
    if (page.pending) news.pending = [page.pending];
    addEventListener("byleave:news", ({ detail }) => add(...detail));
    addEventListener("byleave:send", send);
    view();
    send();
    if (page.refresh && !page.pending) tell();
    if (page.seen) {
      new MutationObserver(watch).observe(document, { childList: true, subtree: true });
    }
    const reach = (target, where) => {
      const goal = target.closest?.(`[data-byleave-goal]${where}`)?.dataset.byleaveGoal;
      if (goal && !news.goals?.includes(goal)) add("goals", goal);
    };
    addEventListener("click", ({ target }) => reach(target, ":not(form)"), true);
    addEventListener("submit", ({ target }) => reach(target, ""), true);
    addEventListener("visibilitychange", () => document.hidden && leave());
    addEventListener("pagehide", leave);
    addEventListener("pageshow", ({ persisted }) => persisted && again());
    addEventListener("popstate", move);
    const push = history.pushState;
    history.pushState = function (...given) {
      push.apply(this, given);
      move();
    };
  };

  if (document.prerendering) {
    document.addEventListener("prerenderingchange", begin, { once: true });
  } else {
    begin();
  }
})();
