// What a person notes on a round waits here, in the browser's own database, until the server has it.
//
// An item is {id, key, what, at, round, cage, why, of, person, state, refused, name, said}. state:
// "waiting", "sent" or "refused". name and said: what it is about, in words. Items are sent in the order of their ids, so in the order of the taps. Sent
// ones stay for a while, so that a page that is opened without the network knows of them.
(() => {
  "use strict";

  const NAME = "neurocage-rounds";
  const STORE = "items";
  const SENT_FOR_MS = 2 * 24 * 3600 * 1000;
  const TIMEOUT_MS = 15000;

  function done(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  let opened = null;

  function open() {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return opened;
  }

  // Resolves when the change is on the disk.
  async function change(act) {
    const database = await open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
      act(transaction.objectStore(STORE));
    });
  }

  async function all() {
    const database = await open();
    return done(database.transaction(STORE).objectStore(STORE).getAll());
  }

  const add = (item) => change((store) => store.add({ ...item, state: "waiting" }));
  const remove = (id) => change((store) => store.delete(id));

  async function forgetOld() {
    const old = (await all()).filter(
      (item) => item.state === "sent" && Date.now() - Date.parse(item.at) > SENT_FOR_MS,
    );
    await change((store) => old.forEach((item) => store.delete(item.id)));
  }

  function cookie(name) {
    const found = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
    return found ? found.slice(name.length + 1) : "";
  }

  // Sends what waits for this person. Resolves to "sent", "signed-out", "offline" or "busy".
  async function send(address, person, atMost) {
    for (;;) {
      const waiting = (await all()).filter(
        (item) => item.person === person && item.state !== "sent",
      );
      const fresh = waiting.filter((item) => item.state === "waiting");
      // What was refused is asked again with the first new one: a clock may be right by now.
      const items = (fresh.length ? fresh : waiting).slice(0, atMost);
      if (!items.length) return "sent";
      let answer;
      try {
        answer = await fetch(address, {
          method: "POST",
          redirect: "manual",
          credentials: "same-origin",
          headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken") },
          body: JSON.stringify({ person, items }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
      } catch {
        return "offline";
      }
      // A redirect leads to the sign-in. 403: the session or its token has changed. 409: somebody
      // else has signed in.
      if (answer.type === "opaqueredirect" || [401, 403, 409].includes(answer.status)) {
        return "signed-out";
      }
      if (!answer.ok) return "busy";
      let answers;
      try {
        ({ answers } = await answer.json());
      } catch {
        return "offline";
      }
      const byKey = new Map(answers.map((one) => [one.key, one]));
      await change((store) => {
        for (const item of items) {
          const told = byKey.get(item.key);
          if (!told) continue;
          const state = told.kept ? "sent" : "refused";
          store.put({ ...item, state, refused: told.kept ? "" : told.why });
        }
      });
      if (!fresh.length) return "sent";
    }
  }

  // One tab at a time sends, so that nothing is sent twice for nothing.
  function sendAlone(...told) {
    if (!navigator.locks) return send(...told);
    return navigator.locks.request(NAME, { ifAvailable: true }, (lock) =>
      lock ? send(...told) : "busy",
    );
  }

  window.roundQueue = { add, all, remove, forgetOld, send: sendAlone };
})();
