// What this person noted on rounds and the server does not have: on each page of rounds, of whatever
// round it is. It is sent from here. What was refused is listed until somebody discards it.
//
// Each change of the queue is told by the event "round-queue" of the document.
(() => {
  "use strict";

  const root = document.getElementById("round-waiting");
  if (!root) return;

  const SEND_EVERY_MS = 15000;
  const queue = window.roundQueue;
  const data = root.dataset;
  const person = Number(data.person);
  const line = root.querySelector(".round-queue");
  const list = root.querySelector(".round-refused");
  const clock = window.facilityClock(data.zone) ?? ((ms) => new Date(ms).toISOString());
  let items = [];
  let others = 0;
  let state = "sent";
  let busy = false;

  const said = (name, count) => data[name].replace("{count}", String(count));

  function say(text) {
    if (line.textContent !== text) line.textContent = text;
    line.hidden = !text;
  }

  function rowOf(item) {
    const row = document.getElementById("round-discard").content.cloneNode(true);
    const what = [item.name, item.said ?? item.what, clock(Date.parse(item.at))];
    row.querySelector("span").textContent = `${what.filter(Boolean).join(", ")}: ${item.refused}`;
    row.querySelector("button").addEventListener("click", async () => {
      await queue.remove(item.id);
      await load();
    });
    return row;
  }

  function render() {
    const waiting = items.filter((item) => item.state === "waiting").length;
    const refused = items.filter((item) => item.state === "refused");
    const parts = [];
    if (waiting) parts.push(said("saidWaiting", waiting));
    if (refused.length) parts.push(said("saidRefused", refused.length));
    if (others) parts.push(said("saidOthers", others));
    if (state === "signed-out" && waiting) parts.push(data.saidSignedOut);
    else if (state === "offline") parts.push(data.saidOffline);
    if ("taps" in data) {
      if (!parts.length) parts.push(data.saidNone);
      if (!("serviceWorker" in navigator)) parts.push(data.saidNoWorker);
    }
    say(parts.join(" "));
    line.dataset.waiting = String(waiting);
    list.hidden = !refused.length;
    list.replaceChildren(...refused.map(rowOf));
  }

  async function load() {
    const all = await queue.all();
    others = all.filter((item) => item.person !== person && item.state !== "sent").length;
    items = all.filter((item) => item.person === person);
    render();
    document.dispatchEvent(new Event("round-queue"));
  }

  async function send() {
    if (busy) return;
    busy = true;
    try {
      state = await queue.send(data.arrivals, person, Number(data.atMost));
    } finally {
      busy = false;
    }
    await load();
  }

  function sayLost() {
    if ("taps" in data) say(data.saidLost);
  }

  // Whether it is on the disk now.
  async function add(item) {
    try {
      await queue.add({ ...item, person });
    } catch {
      sayLost();
      return false;
    }
    await load();
    void send();
    return true;
  }

  // Whether the browser keeps what is noted.
  async function start() {
    try {
      await queue.forgetOld();
      await load();
    } catch {
      sayLost();
      return false;
    }
    void send();
    window.addEventListener("online", () => void send());
    setInterval(() => {
      if (items.some((item) => item.state !== "sent")) void send();
    }, SEND_EVERY_MS);
    return true;
  }

  window.roundWaiting = {
    add,
    started: start(),
    items: () => items,
    isAllSent: () => items.every((item) => item.state === "sent"),
  };
})();
