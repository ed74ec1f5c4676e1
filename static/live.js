/* Keeps an open page up to date. The server makes the page; this only asks for it again, in time.

   The region #live (base.html) is asked for every few seconds, with the ETag of what is shown, so
   that an unchanged page is a 304. htmx fetches it, idiomorph changes only what differs: focus,
   scroll, open menus and half-filled forms stay as they are. */
(() => {
  "use strict";

  const EVERY_MS = 5000;
  const HIDDEN_EVERY_MS = 60000;
  const LOST_AFTER_MS = 25000;
  const region = document.getElementById("live");
  const banner = document.getElementById("connection");
  if (!region || !window.htmx || !window.Idiomorph) return;

  let etag = null;
  let heard = Date.now();
  let asked = Date.now();
  let signedOut = false;
  // The ages are by the server's clock; this one may be wrong.
  const ahead = Date.now() - Date.parse(region.dataset.now);

  // What a person has changed by hand is theirs: fields keep what was typed, menus stay open.
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: (node) => !(node.matches && node.matches("input, select, textarea")),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  });

  function refresh() {
    asked = Date.now();
    htmx.trigger(region, "refresh");
  }

  function show(state) {
    const root = document.documentElement;
    if (root.dataset.connection === state) return;
    root.dataset.connection = state;
    banner.hidden = state === "good";
  }

  region.addEventListener("htmx:configRequest", (event) => {
    if (etag) event.detail.headers["If-None-Match"] = etag;
  });

  region.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const wanted = new URL(region.getAttribute("hx-get"), location.href);
    if (xhr.responseURL && new URL(xhr.responseURL).pathname !== wanted.pathname) {
      // Led elsewhere: the session has ended.
      signedOut = true;
      event.detail.shouldSwap = false;
      event.detail.isError = false;
      show("signed-out");
      return;
    }
    if (xhr.status === 304) event.detail.shouldSwap = false;
    if (xhr.status < 400) {
      heard = Date.now();
      etag = xhr.getResponseHeader("ETag") || etag;
      show("good");
    }
  });

  // "20 s ago" grows while nothing new arrives. The words around the figure are the server's.
  const FIGURE = /\d+ (?:d|h|min|s)(?: \d+ (?:h|min))?/;

  function inWords(seconds) {
    const s = Math.max(Math.floor(seconds), 0);
    const [m, h, d] = [60, 3600, 86400].map((length) => Math.floor(s / length));
    if (s < 60) return `${s} s`;
    if (m < 60) return `${m} min`;
    if (h < 24) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
    return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  }

  function grow() {
    const now = Date.now() - ahead;
    for (const time of region.querySelectorAll(".age time")) {
      const text = time.textContent;
      const grown = text.replace(FIGURE, inWords((now - Date.parse(time.dateTime)) / 1000));
      if (grown !== text) time.textContent = grown;
    }
  }

  setInterval(() => {
    const since = Date.now() - asked;
    if (!signedOut && since >= (document.hidden ? HIDDEN_EVERY_MS : EVERY_MS)) refresh();
    if (document.hidden) return;
    if (!signedOut && Date.now() - heard > LOST_AFTER_MS) show("lost");
    grow();
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || signedOut) return;
    // Nobody asked while nobody looked, so silence is no sign of anything.
    heard = Date.now();
    refresh();
  });

  // A menu closes by Escape and by a click elsewhere, as menus do.
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
})();
