// Says on the buttons below the list how many cages are selected, and what happens to them.
(() => {
  "use strict";

  function update() {
    const form = document.getElementById("bulk");
    if (!form) return;
    const act = form.elements.act.selectedOptions[0].text;
    const selected = [...form.elements].filter((one) => one.name === "cage" && one.checked);
    for (const button of form.querySelectorAll("button")) {
      const text = button.dataset.text.replace("{count}", selected.length).replace("{act}", act);
      if (button.textContent !== text) button.textContent = text;
    }
  }

  document.addEventListener("change", update);
  document.addEventListener("htmx:afterSwap", update);
  // After "Back", the browser has restored the selection by then.
  window.addEventListener("pageshow", update);
  update();
})();
