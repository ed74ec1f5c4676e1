// Faults only; prettier looks after the style.
export default {
  extends: "stylelint-config-recommended",
  rules: {
    "color-named": "never",
    // Rules stand in the order of their subjects, not of their weight.
    "no-descending-specificity": null,
  },
};
