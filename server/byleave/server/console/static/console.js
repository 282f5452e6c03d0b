// What pages gain where scripts run. Every page works without.

// Times are in UTC until the browser's zone is known: tell it once, and show it at once.
const cookie = document.documentElement.dataset.displayCookie;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const kept = document.cookie.split("; ").find((each) => each.startsWith(`${cookie}=`));
const choices = new URLSearchParams(decodeURIComponent((kept ?? "").slice(cookie.length + 1)));
if (zone && !choices.has("zone")) {
  choices.set("zone", zone);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${encodeURIComponent(choices)}; Max-Age=31536000; Path=/; SameSite=Lax${secure}`;
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
    timeZone: zone, timeZoneName: "short",
  });
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.textContent = format.format(new Date(time.dateTime));
  }
}

// Paper has nothing to unfold: what is folded is printed, too, and folded again afterwards.
const folded = new Set();
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    folded.add(details);
    details.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
  folded.clear();
});

// What somebody unfolded stays unfolded when newer numbers take its place.
addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  for (const details of detail.target.querySelectorAll("details[open][id]")) {
    const newer = detail.fragment.querySelector(`#${details.id}`);
    if (newer) newer.open = true;
  }
});

// Nor do they take the place of what somebody chose or typed since they were asked for.
const asked = new WeakMap();
const held = (form) => form && new URLSearchParams(new FormData(form)).toString();
addEventListener("htmx:beforeRequest", ({ detail }) => {
  asked.set(detail.xhr, held(detail.elt.closest("form")));
});
addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (asked.get(detail.xhr) !== held(detail.requestConfig.elt.closest("form"))) {
    detail.shouldSwap = false;
  }
});
