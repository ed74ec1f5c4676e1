// Opens the pages of rounds without the network. It reaches nothing outside of /rounds/ but the
// static files that these pages use. The page itself puts copies into the cache (round.js); here
// they are only shown where the network does not answer.
(() => {
  "use strict";

  const CACHE = "neurocage-rounds";
  const LAST = "/rounds/last/";
  const TIMEOUT_MS = 5000;

  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

  async function copyOf(request) {
    const cache = await caches.open(CACHE);
    const { pathname } = new URL(request.url);
    const found = await cache.match(pathname);
    if (found) return found;
    // The list of rounds and the code on a cage lead to the round under way; the page finds the cage
    // in the address.
    const leadsThere = pathname === "/rounds/" || pathname.startsWith("/rounds/cage/");
    return request.mode === "navigate" && leadsThere ? cache.match(LAST) : undefined;
  }

  async function answerTo(request) {
    try {
      return await fetch(request, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      const copy = await copyOf(request);
      if (copy) return copy;
      throw error;
    }
  }

  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== self.location.origin) return;
    const isPage = request.mode === "navigate" && url.pathname.startsWith("/rounds/");
    if (isPage || url.pathname.startsWith("/static/")) event.respondWith(answerTo(request));
  });
})();
