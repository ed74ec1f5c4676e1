// The server's time on an open page: `serverClock.now()` in milliseconds since 1970.
//
// It is reckoned from the time of the server's last answer and from a clock that only goes forward.
// The wall clock of this machine may be wrong, and it may be set while the page is open.
(() => {
  "use strict";

  const region = document.getElementById("live");
  if (!region) return;

  // The server's time when performance.now() was 0.
  let start = 0;

  // askedAt: performance.now() when the answer was asked for, so that no age is too small.
  function set(time, askedAt) {
    const found = Date.parse(time) - askedAt;
    if (!Number.isNaN(found)) start = found;
  }

  const [navigation] = performance.getEntriesByType("navigation");
  set(region.dataset.now, navigation?.requestStart ?? performance.now());

  window.serverClock = { now: () => start + performance.now(), set };
})();
