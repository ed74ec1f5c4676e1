// Lets the clock in the header run, in the facility's time zone.
(() => {
  "use strict";

  const EVERY_MS = 1000;
  const DATE_LENGTH = "2026-03-02 ".length;

  const shown = document.getElementById("clock");
  if (!shown || !window.serverClock) return;
  const clock = window.facilityClock(shown.dataset.zone);
  if (!clock) return;

  setInterval(() => {
    const text = clock(window.serverClock.now()).slice(DATE_LENGTH);
    if (shown.textContent !== text) shown.textContent = text;
  }, EVERY_MS);
})();
