// Says which minute of a strip is under the mouse or the finger, and how it was.
(() => {
  "use strict";

  const MINUTE_MS = 60000;
  const KINDS = ["perfect", "ok", "bad", "off"];
  // LightPhase of cages/history/light.py.
  const DARK = 2;

  // The words, and the facility's time zone.
  const words = document.querySelector("[data-zone][data-perfect]")?.dataset;
  if (!words) return;
  const clock = window.facilityClock(words.zone);
  if (!clock) return;

  const label = document.createElement("div");
  label.className = "read-minute";
  label.hidden = true;
  document.body.append(label);

  // The strokes say it: "M12 8h3" is three minutes of one kind from the twelfth on.
  function kindAt(paths, minute) {
    for (const path of paths) {
      const kind = KINDS.find((one) => path.classList.contains(one));
      if (!kind) continue;
      for (const [, from, length] of path.getAttribute("d").matchAll(/M(\d+) \d+h(\d+)/g)) {
        if (minute >= +from && minute < +from + +length) return kind;
      }
    }
    return "none";
  }

  // "ZT 13:05, dark phase", or only the phase where the light is constant; empty without a schedule.
  function lightAt(strip, minute) {
    for (const [from, end, phase, zt] of JSON.parse(strip.dataset.light ?? "[]")) {
      if (minute < from || minute >= end) continue;
      const word = phase === DARK ? words.dark : words.lit;
      if (zt === null) return word;
      const since = zt + minute - from;
      return `ZT ${Math.floor(since / 60)}:${String(since % 60).padStart(2, "0")}, ${word}`;
    }
    return "";
  }

  function read(strip, clientX) {
    const box = strip.getBoundingClientRect();
    const place = ((clientX - box.left) / box.width) * strip.viewBox.baseVal.width;
    const next = strip.querySelector("use");
    // With two days in a row, the second one is drawn by its own strip.
    const shift = next ? next.x.baseVal.value : Infinity;
    const day =
      place < shift ? strip : document.querySelector(next.getAttribute("href")).ownerSVGElement;
    // Where a row does not begin at the left edge of the axis, `data-at` says how far from it.
    const own = Math.floor(place - (place < shift ? 0 : shift) - (day.dataset.at ?? 0));
    if (own < +day.dataset.first || own >= +day.dataset.end) return null;
    const paths = (day.querySelector(".strip-day") ?? day).querySelectorAll("path");
    const time = clock(+day.dataset.begin * 1000 + own * MINUTE_MS);
    return [`${time} ${words[kindAt(paths, own)]}`, lightAt(day, own)].filter(Boolean).join(" · ");
  }

  function show(event) {
    // In the list the link of the row lies above the strip.
    const below = document.elementsFromPoint(event.clientX, event.clientY);
    const strip = below.find((one) => one.matches(".strip[data-begin]"));
    const text = strip && read(strip, event.clientX);
    label.hidden = !text;
    if (!text) return;
    label.textContent = text;
    const { width, height } = label.getBoundingClientRect();
    const rightmost = document.documentElement.clientWidth - width;
    const left = Math.min(Math.max(event.clientX - width / 2, 0), rightmost);
    // Above the strip, so that a finger does not hide it.
    label.style.left = `${left + window.scrollX}px`;
    label.style.top = `${strip.getBoundingClientRect().top - height - 4 + window.scrollY}px`;
  }

  // A finger leaves the label where it was lifted, until the next touch.
  document.addEventListener("pointerdown", show);
  document.addEventListener("pointermove", show);
  document.addEventListener("scroll", () => (label.hidden = true), { passive: true });
})();
