// A round on a tablet: one cage after the other, one tap each. Taps go into the queue of this device
// (round_queue.js) and show at once; the server has them when the network allows.
(() => {
  "use strict";

  const root = document.getElementById("round");
  if (!root) return;

  const CACHE = "neurocage-rounds";
  const LAST = "/rounds/last/";
  const SEND_EVERY_MS = 15000;
  const LOOKS = ["fine", "concern", "skipped"];
  const data = root.dataset;
  const roundId = Number(data.round);
  const person = Number(data.person);
  const find = (css) => root.querySelector(css);
  const buttons = [...root.querySelectorAll("[data-cage]")];
  const cages = buttons.map((button) => ({
    id: Number(button.dataset.cage),
    button,
    before: { seen: button.dataset.seen === "1", skipped: button.dataset.skipped === "1" },
  }));
  let current = 0;
  let items = [];
  let state = "sent";
  let busy = false;

  const word = (what) => find(`[data-word="${what}"]`)?.textContent ?? what;
  const said = (name, told) =>
    data[name].replace(/\{(\w+)\}/g, (_whole, key) => String(told[key] ?? ""));

  function show(css, text) {
    const node = find(css);
    if (node.textContent !== text) node.textContent = text;
    node.hidden = !text;
  }

  // What was noted of each cage: as the server knew it when the page was made, and on this device.
  function standing() {
    const undone = new Set(items.filter((one) => one.what === "undo").map((one) => one.of));
    for (const cage of cages) Object.assign(cage, cage.before, { noted: [] });
    const byId = new Map(cages.map((cage) => [cage.id, cage]));
    for (const item of items) {
      const cage = byId.get(item.cage);
      if (!cage || item.what === "undo" || undone.has(item.key)) continue;
      if (item.what === "skipped") {
        cage.skipped = !cage.seen;
      } else {
        cage.seen = true;
        cage.skipped = false;
      }
      cage.noted.push(item.why ? `${word(item.what)}: ${item.why}` : word(item.what));
    }
  }

  const names = (some) => some.map((cage) => cage.button.dataset.bay).join(", ");

  function render() {
    standing();
    const seen = cages.filter((cage) => cage.seen);
    const skipped = cages.filter((cage) => cage.skipped);
    const left = cages.filter((cage) => !cage.seen && !cage.skipped);
    const counted = said("saidProgress", { seen: seen.length, all: cages.length });
    const told = skipped.length
      ? `${counted}, ${said("saidSkipped", { names: names(skipped) })}`
      : counted;
    show(".round-progress", counted);
    show(".round-result", told);
    show(".round-left", left.length ? said("saidLeft", { names: names(left) }) : "");
    for (const cage of cages) {
      cage.button.querySelector(".round-mark").textContent = cage.seen
        ? "✓"
        : cage.skipped
          ? "–"
          : "○";
      cage.button.querySelector(".round-said").textContent = cage.noted.join(", ");
      cage.button.toggleAttribute("aria-current", cage === cages[current]);
    }
    const cage = cages[current];
    find(".round-taps").hidden = !cage;
    if (cage) {
      const { label, place, bay, move, handled } = cage.button.dataset;
      show("#round-cage", bay === label ? label : `${bay} · ${label}`);
      show(".round-place", place);
      show(".round-done", cage.noted.join(", "));
      for (const node of root.querySelectorAll("[data-handles]"))
        node.hidden = handled === undefined;
      find("[data-move]").href = move;
    }
    find("[data-undo]").disabled = !lastTap();
    renderQueue();
  }

  function renderQueue() {
    const waiting = items.filter((item) => item.state === "waiting").length;
    const parts = [];
    if (waiting) parts.push(said("saidWaiting", { count: waiting }));
    if (others) parts.push(said("saidOthers", { count: others }));
    if (state === "signed-out" && waiting) parts.push(data.saidSignedOut);
    else if (state === "offline") parts.push(data.saidOffline);
    if (!parts.length) parts.push(data.saidNone);
    if (!("serviceWorker" in navigator)) parts.push(data.saidNoWorker);
    show(".round-queue", parts.join(" "));
    find(".round-queue").dataset.waiting = String(waiting);
    const list = find(".round-refused");
    const refused = items.filter((item) => item.state === "refused");
    list.hidden = !refused.length;
    list.replaceChildren(
      ...refused.map((item) => {
        const row = document.getElementById("round-discard").content.cloneNode(true);
        const cage = cages.find((one) => one.id === item.cage);
        const name = cage ? `${cage.button.dataset.bay}, ` : "";
        row.querySelector("span").textContent = `${name}${word(item.what)}: ${item.refused}`;
        row.querySelector("button").addEventListener("click", async () => {
          await window.roundQueue.remove(item.id);
          await load();
        });
        return row;
      }),
    );
  }

  let others = 0;

  async function load() {
    const all = await window.roundQueue.all();
    others = all.filter((item) => item.person !== person && item.state !== "sent").length;
    items = all.filter((item) => item.person === person && item.round === roundId);
    render();
  }

  function lastTap() {
    const undone = new Set(items.filter((one) => one.what === "undo").map((one) => one.of));
    return items.findLast(
      (one) => one.what !== "undo" && one.what !== "end" && !undone.has(one.key),
    );
  }

  // A random UUID. crypto.randomUUID is missing where a page is not served by HTTPS.
  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  async function note(what, more = {}) {
    const item = {
      key: newKey(),
      what,
      at: new Date().toISOString(),
      round: roundId,
      person,
      ...more,
    };
    try {
      await window.roundQueue.add(item);
    } catch {
      show(".round-queue", data.saidLost);
      return false;
    }
    await load();
    void send();
    return true;
  }

  async function send() {
    if (busy) return;
    busy = true;
    try {
      state = await window.roundQueue.send(data.arrivals, person, Number(data.atMost));
    } finally {
      busy = false;
    }
    await load();
    const ended = items.some((item) => item.what === "end" && item.state === "sent");
    if (ended && state === "sent") location.assign(data.page);
  }

  function go(number) {
    if (!cages.length) return;
    current = (number + cages.length) % cages.length;
    find(".round-skip").open = false;
    render();
  }

  // The next cage that nobody looked at or skipped; else this one stays.
  function goToNextDue() {
    for (let step = 1; step <= cages.length; step += 1) {
      const cage = cages[(current + step) % cages.length];
      if (!cage.seen && !cage.skipped) return go((current + step) % cages.length);
    }
    return render();
  }

  async function tap(button) {
    const what = button.dataset.tap;
    const field = document.getElementById("why");
    const why = "typed" in button.dataset ? field.value.trim() : (button.dataset.why ?? "");
    if (what === "skipped" && !why) {
      field.focus();
      return;
    }
    if (!(await note(what, { cage: cages[current].id, why }))) return;
    field.value = "";
    show(".round-hint", what === "concern" && !("opens" in data) ? data.saidUnopened : "");
    // After work at a cage it stays, because there may be more to note of it.
    if (LOOKS.includes(what)) goToNextDue();
  }

  // One tap after the other: two quick ones must not change places.
  let turn = Promise.resolve();
  const inTurn = (act) => {
    turn = turn.then(act, act);
  };

  root.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const { tap: what, go: step, cage } = button.dataset;
    if (what) inTurn(() => tap(button));
    else if (step) inTurn(() => go(current + Number(step)));
    else if (cage) {
      inTurn(() => go(cages.findIndex((one) => one.button === button)));
      find(".round-cage").scrollIntoView({ block: "nearest" });
    } else if ("undo" in button.dataset) {
      inTurn(async () => {
        const last = lastTap();
        if (!last) return;
        await note("undo", { cage: last.cage, of: last.key });
        go(cages.findIndex((one) => one.id === last.cage));
      });
    } else if ("end" in button.dataset) inTurn(() => note("end"));
  });

  // A copy of this page and of its files, for when there is no network.
  async function keepCopy() {
    if (!("serviceWorker" in navigator) || !("caches" in window)) return;
    await navigator.serviceWorker.register(data.worker);
    const cache = await caches.open(CACHE);
    const files = [
      ...document.querySelectorAll("script[src], link[rel=stylesheet], img[src], link[rel=icon]"),
    ];
    const addresses = files.map((file) => new URL(file.src || file.href).pathname);
    const page = await fetch(data.page, { redirect: "error" });
    if (!page.ok) return;
    await cache.put(LAST, page.clone());
    await cache.put(data.page, page);
    await cache.addAll([...new Set(addresses)]);
    document.documentElement.dataset.copied = "yes";
  }

  async function start() {
    root.hidden = false;
    const byCode = location.pathname.match(/\/rounds\/cage\/(\d+)\//);
    const wanted = Number(
      byCode?.[1] ?? new URLSearchParams(location.search).get("cage") ?? data.wanted,
    );
    try {
      await window.roundQueue.forgetOld();
      await load();
    } catch {
      render();
      show(".round-queue", data.saidLost);
      return;
    }
    const there = cages.findIndex((cage) => cage.id === wanted);
    if (there >= 0) go(there);
    else if (cages.length && (cages[0].seen || cages[0].skipped)) goToNextDue();
    void send();
    window.addEventListener("online", () => void send());
    setInterval(() => {
      if (items.some((item) => item.state !== "sent")) void send();
    }, SEND_EVERY_MS);
    // Without a copy the round goes on; only a reload needs the network then.
    keepCopy().catch(() => {});
  }

  void start();
})();
