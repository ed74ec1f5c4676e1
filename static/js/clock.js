// Lets the clock in the header run, in the facility's time zone.
(() => {
  "use strict";

  const EVERY_MS = 1000;

  const shown = document.getElementById("clock");
  if (!shown || !window.serverClock) return;
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

  setInterval(() => {
    const text = format.format(window.serverClock.now());
    if (shown.textContent !== text) shown.textContent = text;
  }, EVERY_MS);
})();
