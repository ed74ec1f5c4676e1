// Lets the clock in the header run, in the facility's time zone, and ZT beside it.
(() => {
  "use strict";

  const EVERY_MS = 1000;
  // LightPhase of cages/history/light.py.
  const DARK = 2;
  const DATE_LENGTH = "2026-03-02 ".length;

  const shown = document.getElementById("clock");
  if (!shown || !window.serverClock) return;
  const clock = window.facilityClock(shown.dataset.zone);
  if (!clock) return;

  const light = document.getElementById("zt");
  const phases = JSON.parse(light?.dataset.light ?? "[]");

  // "ZT 0:12, light phase", or only the phase where the light is constant.
  function lightAt(seconds) {
    const found = phases.find(([start, end]) => start <= seconds && seconds < end);
    if (!found) return "";
    const [, , phase, begin] = found;
    const word = phase === DARK ? light.dataset.dark : light.dataset.lit;
    if (begin === null) return word;
    const minutes = Math.floor((seconds - begin) / 60);
    return `ZT ${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}, ${word}`;
  }

  function say(place, text) {
    if (place.textContent !== text) place.textContent = text;
  }

  setInterval(() => {
    const now = window.serverClock.now();
    say(shown, clock(now).slice(DATE_LENGTH));
    if (light) say(light, lightAt(now / 1000));
  }, EVERY_MS);
})();
