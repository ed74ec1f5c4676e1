// Updates the ages between two answers of the server: "20 s ago" becomes "21 s ago".
(() => {
  "use strict";

  const EVERY_MS = 1000;
  // A duration as the server writes it (cages/drawing/words.py). The words around it stay unchanged.
  const DURATION = /\d+ (?:d|h|min|s)(?: \d+ (?:h|min))?/;

  const region = document.getElementById("live");
  if (!region) return;

  function inWords(seconds) {
    const s = Math.max(Math.floor(seconds), 0);
    const [m, h, d] = [60, 3600, 86400].map((length) => Math.floor(s / length));
    if (s < 60) return `${s} s`;
    if (m < 60) return `${m} min`;
    if (h < 24) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
    return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  }

  setInterval(() => {
    if (document.hidden) return;
    const now = window.serverClock.now();
    for (const time of region.querySelectorAll(".age time")) {
      const age = inWords((now - Date.parse(time.dateTime)) / 1000);
      const text = time.textContent.replace(DURATION, age);
      if (text !== time.textContent) time.textContent = text;
    }
  }, EVERY_MS);
})();
