// A round on a tablet: one cage after the other, one tap each. Taps go into the queue of this device
// (round_waiting.js) and show at once; the server has them when the network allows.
(() => {
  "use strict";

  const root = document.getElementById("round");
  if (!root) return;

  const CACHE = "neurocage-rounds";
  const LAST = "/rounds/last/";
  const LOOKS = ["fine", "concern", "skipped"];
  const data = root.dataset;
  const roundId = Number(data.round);
  const waiting = window.roundWaiting;
  const find = (css) => root.querySelector(css);
  const keysOf = (text) => text.split(" ").filter(Boolean);
  const buttons = [...root.querySelectorAll("[data-cage]")];
  const cages = buttons.map((button) => ({
    id: Number(button.dataset.cage),
    button,
    seenBy: keysOf(button.dataset.seen),
    skippedBy: keysOf(button.dataset.skipped),
  }));
  let current = 0;
  let items = [];
  let wasOver = false;

  const word = (what) => find(`[data-word="${what}"]`)?.textContent ?? what;
  const said = (name, told) =>
    data[name].replace(/\{(\w+)\}/g, (_whole, key) => String(told[key] ?? ""));

  function show(css, text) {
    const node = find(css);
    if (node.textContent !== text) node.textContent = text;
    node.hidden = !text;
  }

  // The taps that count, oldest first: neither refused nor taken back.
  function taps() {
    const back = undone();
    return items.filter(
      ({ what, key, state }) =>
        what !== "undo" && what !== "end" && state !== "refused" && !back.has(key),
    );
  }

  // The keys of what was taken back.
  function undone() {
    const acts = items.filter(({ what, state }) => what === "undo" && state !== "refused");
    return new Set(acts.map((one) => one.of));
  }

  // What an undo takes back: the last tap, if it is new. The server refuses to undo what is older.
  function undoable() {
    const last = taps().at(-1);
    return last && Date.now() - Date.parse(last.at) <= Number(data.undoSeconds) * 1000
      ? last
      : null;
  }

  const isOver = () => items.some((one) => one.what === "end" && one.state === "sent");

  // What was noted of each cage: as the server knew it when the page was made, and on this device.
  function standing() {
    const back = undone();
    const isLeft = (key) => !back.has(key);
    for (const cage of cages) {
      cage.seen = cage.seenBy.some(isLeft);
      cage.skipped = !cage.seen && cage.skippedBy.some(isLeft);
      cage.noted = [];
    }
    const byId = new Map(cages.map((cage) => [cage.id, cage]));
    for (const item of taps()) {
      const cage = byId.get(item.cage);
      if (!cage) continue;
      if (item.what === "skipped") {
        cage.skipped = !cage.seen;
      } else {
        cage.seen = true;
        cage.skipped = false;
      }
      cage.noted.push(item.said ?? item.what);
    }
  }

  function nameOf(cage) {
    const { label, bay } = cage.button.dataset;
    return bay === label ? label : `${bay} · ${label}`;
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
    const over = isOver();
    find(".round-over").hidden = !over;
    find("[data-end]").hidden = over;
    find(".round-ways").hidden = over;
    find(".round-old").hidden = over || Date.now() < Date.parse(data.dayEnds);
    find(".round-taps").hidden = over || !cage;
    if (cage) {
      const { place, move, handled } = cage.button.dataset;
      show("#round-cage", nameOf(cage));
      show(".round-place", place);
      show(".round-done", cage.noted.join(", "));
      for (const node of root.querySelectorAll("[data-handles]"))
        node.hidden = handled === undefined;
      find("[data-move]").href = move;
    }
    find("[data-undo]").disabled = !undoable();
  }

  function take() {
    items = waiting.items().filter((item) => item.round === roundId);
  }

  // After the end the page of the result follows, but not while something waits or was refused. A
  // copy of a round that was over before stays: without a network it would lead to itself.
  function follow() {
    take();
    render();
    if (isOver() && !wasOver && waiting.isAllSent()) location.assign(data.page);
  }

  // A random UUID. crypto.randomUUID is missing where a page is not served by HTTPS.
  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  // Whether it is on the disk of this device.
  async function note(what, name, text, more = {}) {
    const at = new Date().toISOString();
    const item = { key: newKey(), what, at, round: roundId, name, said: text, ...more };
    return waiting.add(item);
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
    const cage = cages[current];
    const text = why ? `${word(what)}: ${why}` : word(what);
    if (!(await note(what, nameOf(cage), text, { cage: cage.id, why }))) return;
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
        const last = undoable();
        if (!last) return;
        const text = `${button.textContent}: ${last.said ?? last.what}`;
        await note("undo", last.name, text, { cage: last.cage, of: last.key });
        go(cages.findIndex((one) => one.id === last.cage));
      });
    } else if ("end" in button.dataset) {
      inTurn(() => note("end", find("h1").textContent, button.textContent));
    }
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
    const isKept = await waiting.started;
    take();
    wasOver = isOver();
    render();
    if (!isKept) return;
    const there = cages.findIndex((cage) => cage.id === wanted);
    if (there >= 0) go(there);
    else if (cages.length && (cages[0].seen || cages[0].skipped)) goToNextDue();
    document.addEventListener("round-queue", follow);
    // Without a copy the round goes on; only a reload needs the network then.
    keepCopy().catch(() => {});
  }

  void start();
})();
