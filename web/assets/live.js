// live.js keeps a page up to date. The page is whole without it.
//
// The server says "change" on its stream; the page then fetches itself and takes over what differs (morph.js). Between two
// fetches the countdowns, the "14 s ago" and the lifelines go on by the browser's own clock.
import { morph } from "/static/morph.js";

const $ = (id) => document.getElementById(id);
const quiet = 400; // milliseconds between two fetches at least
const stale = 20_000; // a page is fetched again after so long even when nothing was said: lines leave the axis

let paused = false;
let stream = null;
let wanted = false; // a fetch is needed
let due = 0; // the timer of a fetch that waits for its turn
let running = null; // the fetch under way
let fetchedAt = performance.now(); // when this page's data was fresh
let pageNow = Number(document.body.dataset.now); // what the server's clock said then

// --- fetching the page again

async function refresh() {
  if (running) {
    wanted = true;
    return;
  }
  wanted = false;
  const control = new AbortController();
  running = control;
  const url = location.href;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: control.signal });
    const text = await answer.text();
    if (url === location.href) takeOver(new DOMParser().parseFromString(text, "text/html"));
  } catch (err) {
    if (err.name !== "AbortError") say("offline");
  } finally {
    if (running === control) running = null;
  }
  setTimeout(() => wanted && soon(), quiet);
}

// soon asks for a fetch, at once or when the last one is long enough ago. What cannot be seen, and what is being
// read with care, is not changed.
function soon() {
  wanted = true;
  if (paused || document.hidden || selecting()) return;
  const rest = fetchedAt + quiet - performance.now();
  if (rest <= 0) refresh();
  else due ||= setTimeout(() => { due = 0; if (wanted && !paused) refresh(); }, rest);
}

function selecting() {
  const selection = getSelection();
  return selection && !selection.isCollapsed && $("main").contains(selection.anchorNode);
}

function takeOver(page) {
  if (!page.body?.dataset.now || !page.getElementById("main")) return;
  const hold = holdStill();
  const fresh = [];
  for (const id of ["top", "side", "main"]) {
    const from = $(id);
    const to = page.getElementById(id);
    if (from && to) morph(from, to, (node) => fresh.push(node));
  }
  document.title = page.title;
  document.body.dataset.now = page.body.dataset.now;
  pageNow = Number(page.body.dataset.now);
  fetchedAt = performance.now();
  hold();
  for (const node of fresh) if (node.matches("tr[id], li[id]")) node.classList.add("fresh");
  dress();
  tick();
}

// holdStill remembers where the thing that the reader looks at stands on the screen, and returns what puts it there again:
// the row below the pointer or with the focus, else the first that is in sight once the page has been scrolled.
function holdStill() {
  if (atTail()) return toTail;
  const row = lookedAt();
  if (!row) return () => {};
  const before = row.getBoundingClientRect().top;
  return () => {
    if (!row.isConnected) return;
    const moved = row.getBoundingClientRect().top - before;
    if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
  };
}

// A list whose newest line is the last is followed as in a terminal, until the reader scrolls up.
function atTail() {
  return document.querySelector("[data-tail]") && scrollY + innerHeight >= document.documentElement.scrollHeight - 40;
}

function toTail() {
  scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
}

function lookedAt() {
  const rows = "#main tr[id], #main li[id]";
  const here = document.activeElement?.closest?.(rows) ?? document.querySelector("#main tr[id]:hover, #main li[id]:hover");
  if (here) return here;
  if (scrollY < 1) return null;
  return [...document.querySelectorAll(rows)].find((row) => row.getBoundingClientRect().top >= 0);
}

// --- what goes on by itself

function tick() {
  const passed = performance.now() - fetchedAt;
  const now = pageNow + passed;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    set(time, `${coarse((now - Date.parse(time.dateTime)) / 1000)} ago`);
  }
  for (const left of document.querySelectorAll("[data-left]")) countDown(left, passed);
  for (const refill of document.querySelectorAll("[data-refill]")) untilRefill(refill, passed);
  for (const face of document.querySelectorAll("[data-face]")) {
    set(face, new Date(Number(face.dataset.face) + passed).toISOString().slice(11, 19));
  }
  for (const box of document.querySelectorAll("[data-span]:not([data-still])")) {
    box.style.setProperty("--slide", ((100 * passed) / Number(box.dataset.span)).toFixed(3));
  }
}

function countDown(element, passed) {
  const limit = Number(element.dataset.limit);
  const left = Math.max(0, Number(element.dataset.left) - passed);
  set(element.querySelector("span"), clock(left));
  element.querySelector(".part").setAttribute("stroke-dasharray", `${Math.floor((100 * left) / limit)} 100`);
  element.classList.toggle("warn", left < limit / 4);
}

// untilRefill counts down to the end of a quota's window. What is shown then belongs to a window that is over.
function untilRefill(element, passed) {
  const left = Number(element.dataset.refill) - passed;
  set(element, clock(left));
  if (left <= 0 && "live" in document.body.dataset) soon();
}

// clock is format.go's minutes.
function clock(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// coarse is format.go's function of that name.
function coarse(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (large, unit, small, smallUnit) => (small ? `${large} ${unit} ${small} ${smallUnit}` : `${large} ${unit}`);
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return two(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

// --- the stream

function say(state) {
  const words = { live: "live", offline: "devserver has stopped", paused: "paused" };
  const live = $("live");
  live.hidden = false;
  if (live.dataset.state === state) return;
  live.dataset.state = state;
  const dot = document.createElement("i");
  dot.className = { live: "dot ok pulse", offline: "dot denied", paused: "dot closed" }[state];
  live.replaceChildren(dot, words[state]);
}

function listen() {
  if (stream || !("live" in document.body.dataset)) return;
  stream = new EventSource("/api/v1/stream?only=change");
  stream.addEventListener("open", () => say(paused ? "paused" : "live"));
  stream.addEventListener("change", soon);
  stream.addEventListener("error", () => {
    say("offline");
    if (stream.readyState === EventSource.CLOSED) { // it will not try again by itself
      stream = null;
      setTimeout(listen, 3000);
    }
  });
}

// A page that nobody sees holds no connection: browsers allow six to one server, for all their tabs.
function deafen() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return deafen();
  listen();
  soon();
});
addEventListener("pagehide", deafen);
addEventListener("pageshow", (event) => event.persisted && (listen(), soon()));

// --- what the reader does

function pause() {
  paused = !paused;
  const button = $("pause");
  button.setAttribute("aria-pressed", paused);
  button.textContent = paused ? "Go on" : "Pause";
  say(paused ? "paused" : "live");
  if (!paused) soon();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && $("q")) {
    event.preventDefault();
    $("q").focus();
    $("q").select();
  }
  if (event.key === "Escape" && event.target.id === "q") event.target.blur();
});

// The list follows the filter while it is typed.
let typed = 0;
document.addEventListener("input", (event) => {
  if (event.target.id !== "q") return;
  clearTimeout(typed);
  typed = setTimeout(() => {
    const url = new URL(location.pathname, location.href);
    const text = event.target.value.trim();
    if (text) url.searchParams.set("q", text);
    history.replaceState(null, "", url);
    running?.abort();
    running = null;
    refresh();
  }, 200);
});

// A change is made without leaving the page.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("change" in form.dataset)) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const notice = $("notice");
  notice.hidden = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error((await answer.json()).error);
  } catch (err) {
    notice.textContent = err.message;
    notice.hidden = false;
  }
  button.disabled = false;
  refresh();
});

document.addEventListener("click", async (event) => {
  if (event.target.closest("#pause")) pause();
  const copier = event.target.closest(".copier");
  if (!copier) return;
  event.preventDefault();
  await navigator.clipboard.writeText(copier.previousElementSibling.textContent);
  copier.textContent = "copied";
  setTimeout(() => (copier.textContent = "copy"), 1500);
});

// dress adds what only a script can serve: buttons to copy with.
function dress() {
  for (const code of document.querySelectorAll("code.copy")) {
    if (!navigator.clipboard || code.nextElementSibling?.matches(".copier")) continue;
    const copier = document.createElement("button");
    copier.type = "button";
    copier.className = "copier";
    copier.dataset.own = "";
    copier.textContent = "copy";
    copier.setAttribute("aria-label", `Copy ${code.textContent}`);
    code.after(copier);
  }
}

document.addEventListener("selectionchange", () => wanted && !running && !selecting() && soon());
$("pause")?.removeAttribute("hidden");
const strip = $("side"); // on a narrow screen the navigation scrolls sideways
strip.scrollLeft = (strip.querySelector("[aria-current]")?.offsetLeft ?? 0) - 40;
dress();
tick();
if (document.querySelector("[data-tail]") && scrollY < 1) toTail();
setInterval(() => {
  tick();
  if (performance.now() - fetchedAt > stale && "live" in document.body.dataset) soon();
}, 1000);
listen();
