(() => {
  const element = document.getElementById("byleave-data");
  if (!element) return;
  const page = JSON.parse(element.textContent);
  const news = { pending: page.pending, seen: [], goals: [] };

  const send = () => {
    if (!news.pending && !news.seen.length && !news.goals.length) return;
    const body = JSON.stringify({ ...news, receipt: page.receipt });
    news.pending = undefined;
    news.seen = [];
    news.goals = [];
    const url = "/.byleave/events";
    navigator.sendBeacon?.(url, body) || fetch(url, { method: "POST", body, keepalive: true });
  };

  // A slot counts as seen after one second with half of it in view; one that is taller than
  // the window can never be, so there the middle of the window has to be inside it.
  const watch = (slot) => {
    const host = document.querySelector(`[data-byleave-slot="${slot}"]`);
    if (!host) return;
    const isTall = host.offsetHeight > innerHeight;
    let timer;
    const observer = new IntersectionObserver(([entry]) => {
      clearTimeout(timer);
      if (!entry.isIntersecting) return;
      timer = setTimeout(() => {
        observer.disconnect();
        news.seen.push(slot);
      }, 1000);
    }, isTall ? { rootMargin: "-50% 0px -50% 0px" } : { threshold: 0.5 });
    observer.observe(host);
  };

  const begin = () => {
    send();
    page.slots.forEach(watch);
    addEventListener("click", (event) => {
      const goal = event.target.closest?.("[data-byleave-goal]")?.dataset.byleaveGoal;
      if (goal && !news.goals.includes(goal)) news.goals.push(goal);
    }, true);
    addEventListener("visibilitychange", () => document.hidden && send());
    addEventListener("pagehide", send);
  };

  if (document.prerendering) {
    document.addEventListener("prerenderingchange", begin, { once: true });
  } else {
    begin();
  }
})();
