// Keeps an open page up to date. The server makes the page; this only asks for it again.
//
// The region #live (base.html) is asked for every few seconds, with the ETag of what is shown, so
// that an unchanged page is a 304. htmx fetches it and idiomorph changes only what differs: focus,
// scroll, open menus and half-filled forms stay as they are.
(() => {
  "use strict";

  const EVERY_MS = 5000;
  const HIDDEN_EVERY_MS = 60000;
  const LOST_AFTER_MS = 25000;
  const TICK_MS = 1000;

  const region = document.getElementById("live");
  const banner = document.getElementById("connection");
  if (!region || !window.htmx || !window.Idiomorph) return;

  let etag = null;
  let heard = Date.now();
  let asked = Date.now();
  let signedOut = false;

  // What a person has changed stays: fields keep what was typed, menus stay open.
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

  // Whoever is signed out is sent to another page.
  function wasSentElsewhere(xhr) {
    const wanted = new URL(region.getAttribute("hx-get"), location.href);
    return xhr.responseURL && new URL(xhr.responseURL).pathname !== wanted.pathname;
  }

  region.addEventListener("htmx:configRequest", (event) => {
    if (etag) event.detail.headers["If-None-Match"] = etag;
  });

  region.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (wasSentElsewhere(xhr)) {
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

  setInterval(() => {
    if (signedOut) return;
    const now = Date.now();
    if (now - asked >= (document.hidden ? HIDDEN_EVERY_MS : EVERY_MS)) refresh();
    if (!document.hidden && now - heard > LOST_AFTER_MS) show("lost");
  }, TICK_MS);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || signedOut) return;
    // A hidden page asks seldom, so its silence does not mean that the connection is lost.
    heard = Date.now();
    refresh();
  });
})();
