// Keeps an open page up to date. The server makes the page. This script requests it again.
//
// Every few seconds it requests the region #live (base.html) with the ETag of the shown content, so
// an unchanged page is a 304. htmx fetches it and idiomorph changes only what differs: focus,
// scroll, open menus and half-filled forms stay.
(() => {
  "use strict";

  const EVERY_MS = 5000;
  const HIDDEN_EVERY_MS = 60000;
  const LOST_AFTER_MS = 25000;
  const TICK_MS = 1000;
  const JUMP_MS = 2000;

  const region = document.getElementById("live");
  const banner = document.getElementById("connection");
  if (!region || !window.htmx || !window.Idiomorph) return;

  let etag = null;
  // Milliseconds of a clock that only goes forward: the wall clock may be set at any time.
  const now = () => performance.now();
  const lead = () => Date.now() - now();

  let heard = now();
  let asked = now();
  let usualLead = lead();
  let signedOut = false;

  const holdsTypedText = (node) =>
    node.nodeType === Node.ELEMENT_NODE &&
    [...node.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);

  // Fields keep what a person has typed, and menus stay open. A form with typed text stays as well,
  // even if the new page has no such form any more.
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: (node) => !(node.matches && node.matches("input, select, textarea")),
    beforeNodeRemoved: (node) => !holdsTypedText(node),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  });

  function refresh() {
    asked = now();
    usualLead = lead();
    htmx.trigger(region, "refresh");
  }

  function show(state) {
    const root = document.documentElement;
    if (root.dataset.connection === state) return;
    root.dataset.connection = state;
    banner.hidden = state === "good";
  }

  // A signed-out person is redirected to another page.
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
      heard = now();
      window.serverClock.set(xhr.getResponseHeader("Server-Time"), asked);
      etag = xhr.getResponseHeader("ETag") || etag;
      show("good");
    }
  });

  setInterval(() => {
    if (signedOut) return;
    const silence = now() - asked;
    // The two clocks differ after the machine slept, and after its wall clock was set.
    const jumped = Math.abs(lead() - usualLead) > JUMP_MS;
    if (jumped || silence >= (document.hidden ? HIDDEN_EVERY_MS : EVERY_MS)) refresh();
    if (!document.hidden && now() - heard > LOST_AFTER_MS) show("lost");
  }, TICK_MS);

  function comeBack() {
    if (document.hidden || signedOut) return;
    // A hidden page asks seldom, so a long time without an answer does not mean a lost connection.
    heard = now();
    refresh();
  }

  document.addEventListener("visibilitychange", comeBack);
  // After "Back", the browser may show the page as it was left.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) comeBack();
  });
})();
