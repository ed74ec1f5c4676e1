// Lets the clock in the header run, in the facility's time zone.
(() => {
  "use strict";

  const EVERY_MS = 1000;

  const shown = document.getElementById("clock");
  if (!shown) return;
  let format;
  try {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: shown.dataset.zone,
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  } catch {
    return; // The browser does not know the time zone.
  }
  // The server's time, because the clock of this machine may be wrong, and when it was received.
  let serverMs = Date.parse(shown.dateTime);
  let receivedMs = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;

  function show() {
    const now = serverMs + performance.now() - receivedMs;
    const text = format.format(now);
    if (shown.textContent !== text) shown.textContent = text;
  }

  // Each answer says anew what time it is.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const date = Date.parse(detail.xhr.getResponseHeader("Date") ?? "");
    if (!date) return;
    serverMs = date;
    receivedMs = performance.now();
    show();
  });
  setInterval(show, EVERY_MS);
})();
