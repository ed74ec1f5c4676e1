// Nobody is signed in here, so the copies of pages of rounds that this device keeps go. What waits
// to be sent stays: it is sent when its person signs in again.
(() => {
  "use strict";

  if ("caches" in window) void caches.delete("neurocage-rounds");
})();
