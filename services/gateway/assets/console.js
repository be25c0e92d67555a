// Every page is complete without this. It adds keys, news as they happen, and the caller's earlier requests while somebody
// still speaks. No framework: a part of a page that has moved is fetched again as the server writes it.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
document.documentElement.classList.add("script");

// A part is known by its id, and marked with data-part.
async function renew(options) {
  const response = await fetch(location.href, { credentials: "same-origin", ...options });
  if (!response.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of all("[data-part]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === part.innerHTML) continue;
    const held = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const known = new Map(all("tr[data-number]", part).map((row) => [row.dataset.number, row.innerHTML]));
    part.replaceChildren(...next.childNodes);
    for (const row of all("tr[data-number]", part)) {
      row.classList.toggle("moved", known.get(row.dataset.number) !== row.innerHTML);
    }
    if (held) all("a", part).find((link) => link.getAttribute("href") === held)?.focus();
  }
}

// News: EventSource comes back by itself, with the position that it knew last.
const live = document.body.dataset.live;
if (live && window.EventSource) {
  let waiting = false;
  new EventSource(live).addEventListener("moved", (event) => {
    const { numbers } = JSON.parse(event.data);
    // The answer to a form has the request's number in its address too.
    const shown = location.pathname.match(/requests\/([\d-]+)/)?.[1];
    if (shown && !numbers.includes(shown)) return;
    const stale = one("#stale");
    if (stale) stale.hidden = false;
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; if (!shown) renew().catch(() => {}); }, 400);
  });
}

// Who calls: asked as soon as a number is there.
const entry = one("#new");
if (entry) {
  let asked = "";
  const look = async () => {
    const who = entry.phone.value.trim() + "|" + entry.email.value.trim();
    if (who === asked || who.length < 8) return;
    asked = who;
    const body = new URLSearchParams(new FormData(entry));
    const response = await fetch(entry.dataset.caller, { method: "POST", body, credentials: "same-origin" });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    one("#earlier").replaceChildren(...one("#earlier", fresh).childNodes);
  };
  let pause;
  for (const field of [entry.phone, entry.email]) {
    field.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(() => look().catch(() => {}), 350); });
    field.addEventListener("change", () => look().catch(() => {}));
  }
}

// What the topic asks: as soon as one is there; what was answered to the same questions stays.
if (entry) {
  const names = (within) => all("[name]", within).map((field) => field.name).join();
  const ask = async () => {
    const query = new URLSearchParams({ topic: entry.topic.value.trim() });
    const response = await fetch(`${entry.dataset.questions}?${query}`, { credentials: "same-origin" });
    if (!response.ok || response.redirected) return;
    const fresh = one("#questions", new DOMParser().parseFromString(await response.text(), "text/html"));
    if (names(fresh) !== names(one("#questions"))) one("#questions").replaceChildren(...fresh.childNodes);
  };
  entry.topic.addEventListener("change", () => ask().catch(() => {}));
}

// Fields that only one choice needs.
function fold() {
  for (const [select, value, selector] of [
    ["#sub_result", "duplicate", ".only-duplicate"], ["#sub_result", "not-found", ".only-not-found"],
    ["#channel", "social", ".only-social"],
  ]) {
    const field = one(selector);
    if (field && one(select)) field.hidden = one(select).value !== value && !field.classList.contains("wrong");
  }
  for (const line of all("[data-told]")) line.hidden = line.dataset.told !== one("#channel").value;
}
fold();
document.addEventListener("change", fold);

for (const button of all("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
one(".notice[role=alert]")?.scrollIntoView({ block: "nearest" });
// Where the rail is a strip, what is chosen may lie beyond its end.
all(".rail ul, .parts").forEach((strip) => {
  const here = one("[aria-current]", strip);
  if (here && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = here.offsetLeft - strip.clientWidth / 2;
});

// Keys: one letter each, never while somebody types, and they can be switched off.
const off = () => localStorage.getItem("cozum-keys") === "off";
const toggle = one("[data-keys]");
if (toggle) {
  const tell = () => toggle.setAttribute("aria-pressed", String(off()));
  toggle.hidden = false;
  toggle.addEventListener("click", () => { localStorage.setItem("cozum-keys", off() ? "on" : "off"); tell(); });
  tell();
}
function step(by) {
  const links = all("#rows a.go");
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const to = links[Math.min(Math.max(at < 0 && by < 0 ? 0 : at + by, 0), links.length - 1)];
  to.focus({ preventScroll: true });
  to.closest("tr").scrollIntoView({ block: "nearest" });
}
function unfold(selector) {
  const act = one(selector);
  if (!act) return;
  act.open = true;
  one("input:not([type=hidden]), select, textarea, button", one("form", act))?.focus();
}
const go = (path) => () => { if (one(`header a[href="${path}"]`)) location.href = path; };
const KEYS = {
  j: () => step(1), k: () => step(-1), "/": () => one("#q")?.focus(),
  n: go("/console/new"), l: go("/console/requests"), "?": go("/console/keys"),
  a: () => unfold("details.act"), c: () => unfold("#act-comment"),
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    all("details.menu[open]").forEach((menu) => { menu.open = false; one("summary", menu).focus(); });
    if (event.target.id === "q") event.target.blur();
  }
  const types = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (types || off() || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
