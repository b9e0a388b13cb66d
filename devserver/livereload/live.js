// devserver --live-reload: this page follows the app. It compares the state that it was made in with each newer one.
(() => {
  "use strict";
  const own = document.currentScript;
  const [run, version, assets, styles] = own.dataset.state.split(".");
  const made = { run, version: +version, assets: +assets, styles: +styles };
  const sent = own.dataset.method; // of the form that this page answers
  own.remove(); // frameworks compare the document with what they have made

  const stream = "/_devserver/live";
  const isTop = (() => {
    try { return window.top === window || !window.top.document; } catch { return true; } // a frame of a strange page
  })();
  let newest = ""; // the state as it came; "" while the connection is gone
  let leaving = false;

  // Browsers allow six connections to a host, and each page needs some to load. So one page has the stream, and tells the
  // others. The lock goes on to another page when that one is closed.
  const others = window.BroadcastChannel && new BroadcastChannel("devserver-live");
  let leads = false;
  let forbidden = false;
  let handOver = () => {}; // gives the lock to another page
  function listen() {
    leads = true;
    const source = new EventSource(stream);
    source.onmessage = (e) => {
      newest = e.data;
      others?.postMessage(newest);
      take(newest);
    };
    source.onerror = () => {
      newest = "";
      if (source.readyState === EventSource.CLOSED && !forbidden) setTimeout(listen, 1000); // the browser does not try again
    };
  }
  if (others) {
    others.onmessage = (e) => {
      if (e.data !== "?") take(e.data);
      else if (leads && newest) others.postMessage(newest);
    };
    others.postMessage("?");
  }
  document.addEventListener("securitypolicyviolation", (e) => {
    if (e.blockedURI.endsWith(stream) && !forbidden) {
      forbidden = true;
      leads = false;
      handOver();
      console.warn("devserver: live reload is off in this page: its <meta> Content-Security-Policy forbids connect-src " + stream);
    }
  });
  if (others && navigator.locks) {
    navigator.locks.request("devserver-live", () => { listen(); return new Promise((resolve) => { handOver = resolve; }); }).catch(listen);
  } else {
    listen();
  }

  function take(text) {
    const now = JSON.parse(text);
    if (leaving) return;
    const another = now.run !== made.run || now.version > made.version || now.assets > made.assets;
    if (now.version && another) {
      again(now);
    } else if (now.styles > made.styles && now.run === made.run) {
      made.styles = now.styles;
      restyle().then((done) => done || again(now));
    }
    show(now.problem);
  }

  // again loads the page. One that comes out of a cache, and names an old state for ever, is loaded once for each state.
  function again(now) {
    const key = [now.run, now.version, now.assets, now.styles, location.href].join(" ");
    if (sent) return ask();
    try {
      if (sessionStorage.getItem("devserver-live") === key) return;
      sessionStorage.setItem("devserver-live", key);
    } catch { /* no storage for this page */ }
    leaving = true;
    refresh().then(() => location.reload());
  }

  const ours = (href) => { try { return new URL(href, document.baseURI).origin === location.origin; } catch { return false; } };

  // refresh takes past the browser's cache what the page has from there without asking: it was kept before devserver had a say.
  // It does not wait for ever.
  async function refresh() {
    if (own.dataset.fetch === "no") return; // the page's policy
    const kinds = ["script", "link", "css", "img", "image", "input", "other"];
    const urls = new Set(performance.getEntriesByType("resource")
      .filter((e) => kinds.includes(e.initiatorType) && !e.transferSize && ours(e.name) && !e.name.startsWith(location.origin + stream))
      .map((e) => e.name));
    const late = new Promise((resolve) => setTimeout(resolve, 3000));
    await Promise.race([late, Promise.allSettled([...urls].map((url) => fetch(url, { cache: "no-cache" }).then((r) => r.blob())))]);
  }

  // restyle takes the style sheets of this app anew; the page stays. It tells whether there were any.
  async function restyle() {
    let found = false;
    for (const sheet of [...document.styleSheets]) {
      const imported = ours(sheet.href || document.baseURI) && await refetch(sheet);
      const node = sheet.ownerNode;
      if (node?.localName === "link" && ours(node.href)) {
        found = true;
        replace(node);
      } else if (imported && node?.localName === "style") {
        found = true;
        node.textContent += "";
      }
    }
    return found;
  }

  // refetch takes what a sheet imports past the browser's cache.
  async function refetch(sheet) {
    let found = false;
    let rules = [];
    try { rules = [...sheet.cssRules]; } catch { /* another site's */ }
    for (const rule of rules) {
      if (!(rule instanceof CSSImportRule) || !rule.styleSheet || !ours(rule.styleSheet.href)) continue;
      found = true;
      await refetch(rule.styleSheet);
      if (own.dataset.fetch !== "no") await fetch(rule.styleSheet.href, { cache: "no-cache" }).then((r) => r.blob()).catch(() => {});
    }
    return found;
  }

  // replace loads a sheet beside the old one, which stays until the new one is there: the page never shows without.
  const coming = new WeakMap();
  function replace(link) {
    coming.get(link)?.remove(); // it was not there yet, and is old already
    const url = new URL(link.href);
    url.searchParams.set("_devserver", made.run + "." + made.styles);
    const next = link.cloneNode();
    next.href = url.href;
    next.onload = () => link.remove();
    next.onerror = () => next.remove();
    coming.set(link, next);
    link.after(next);
  }

  // What is shown stands in a shadow root: the page's style sheets do not reach it. Its own come as an object, which no
  // Content-Security-Policy forbids.
  const look = `
    :host { all: initial !important; position: fixed !important; z-index: 2147483647 !important; display: block !important;
      color-scheme: light dark; --line: #d7d7d2; --soft: #66665f; --paper: #fbfbf9; --ink: #1d1d1a; --mark: #b3261e; --block: #f1f1ec }
    @media (prefers-color-scheme: dark) {
      :host { --line: #3a3a36; --soft: #a0a098; --paper: #171715; --ink: #e9e9e3; --mark: #ff8a80; --block: #20201d }
    }
    :host(.all) { inset: 0 !important; width: auto !important; height: auto !important; overflow: auto !important; background: rgb(0 0 0 / .55) !important }
    :host(.low) { inset: auto 1rem 1rem auto !important; max-width: calc(100vw - 2rem) !important }
    main { box-sizing: border-box; max-width: 60rem; margin: 4vh auto; padding: 1.5rem; background: var(--paper); color: var(--ink);
      border: 1px solid var(--line); border-top: 4px solid var(--mark); border-radius: 6px; font: 16px/1.5 system-ui, sans-serif }
    :host(.low) main { margin: 0; padding: .75rem 1rem; border-top-width: 1px }
    @media (max-width: 40rem) { :host(.all) main { margin: .5rem; padding: 1rem } }
    header { display: flex; gap: 1rem; align-items: start; justify-content: space-between }
    h1 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 1rem }
    button { font: inherit; font-size: .875rem; color: inherit; background: var(--block); border: 1px solid var(--line); border-radius: 6px; padding: .25rem .75rem; cursor: pointer; flex: none; white-space: nowrap }
    ol { list-style: none; margin: 0; padding: 0 }
    li, pre { background: var(--block); border: 1px solid var(--line); border-radius: 6px; margin: 0 0 .5rem; padding: .75rem 1rem;
      font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
    li b { display: block; font-weight: 600; color: var(--mark) }
    p { margin: 1rem 0 0; color: var(--soft) }
    :host(.low) p { margin: 0 .75rem 0 0; display: inline; color: var(--ink) }`;

  // layer makes an element above the page with main in it.
  function layer(kind, role) {
    const host = document.createElement("devserver-" + (kind === "all" ? "problem" : "notice"));
    host.className = kind;
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(look);
    root.adoptedStyleSheets = [sheet];
    const main = root.appendChild(document.createElement("main"));
    main.setAttribute("role", role);
    host.popover = "manual";
    document.documentElement.append(host);
    host.showPopover?.(); // above the page's own dialogs
    return main;
  }

  function add(parent, name, text) {
    const e = parent.appendChild(document.createElement(name));
    e.textContent = text;
    return e;
  }

  let shown = ""; // the problem, also when it was closed
  let close = () => {};
  function show(problem) {
    const text = problem ? JSON.stringify(problem) : "";
    if (text === shown || !isTop) return;
    shown = text;
    close();
    if (!problem) return;
    const main = layer("all", "alert");
    const host = main.getRootNode().host;
    const onKey = (e) => { if (e.key === "Escape") { e.stopPropagation(); close(); } };
    close = () => { host.remove(); removeEventListener("keydown", onKey, true); close = () => {}; };
    addEventListener("keydown", onKey, true);
    const header = add(main, "header", "");
    add(header, "h1", problem.title);
    add(header, "button", "Close (Esc)").onclick = () => close();
    if (problem.errors) {
      const list = add(main, "ol", "");
      for (const e of problem.errors) {
        const item = add(list, "li", "");
        const place = [e.file, e.line, e.column].filter(Boolean).join(":");
        if (place) add(item, "b", place);
        item.append(e.message);
      }
    } else if (problem.text) {
      add(main, "pre", problem.text);
    }
    if (problem.advice) add(main, "p", problem.advice);
  }

  let asked = false;
  function ask() {
    if (asked) return;
    asked = true;
    const main = layer("low", "status");
    add(main, "p", "The app has changed. This page is the answer to a form.");
    add(main, "button", "Send it again").onclick = () => location.reload();
  }
})();
