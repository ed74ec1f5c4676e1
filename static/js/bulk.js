// Shows the bar for the selected cages as soon as there is one, and says how many they are.
(() => {
  "use strict";

  function update() {
    const form = document.getElementById("bulk");
    if (!form) return;
    const boxes = [...form.elements].filter((one) => one.name === "cage");
    const count = boxes.filter((box) => box.checked).length;
    form.dataset.selected = count;
    const said = form.querySelector(".selected");
    const text = said.dataset.text.replace("{count}", count);
    if (said.textContent !== text) said.textContent = text;
    form.querySelector("[data-tick=all]").hidden = count === boxes.length;
    form.querySelector("[data-tick=none]").hidden = false;
    // Just above the footer, which has one line or several.
    form.style.bottom = `${document.querySelector("footer")?.offsetHeight ?? 0}px`;
  }

  document.addEventListener("click", ({ target }) => {
    const tick = target.closest?.("#bulk [data-tick]")?.dataset.tick;
    if (!tick) return;
    for (const box of document.getElementById("bulk").elements) {
      if (box.name === "cage") box.checked = tick === "all";
    }
    update();
    // The button that was pressed may be hidden now.
    document.querySelector(".cell-tick input").focus({ preventScroll: true });
  });
  document.addEventListener("change", update);
  document.addEventListener("htmx:afterSwap", update);
  // After "Back", the browser has restored the selection by then.
  window.addEventListener("pageshow", update);
  update();
})();
