import js from "@eslint/js";
import globals from "globals";

// Faults only; prettier looks after the style.
export default [
  { ignores: ["staticfiles/", ".venv/", ".state/"] },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["static/js/*.js"],
    languageOptions: {
      sourceType: "script",
      globals: {
        ...globals.browser,
        ...globals.serviceworker,
        htmx: "readonly",
        Idiomorph: "readonly",
        uPlot: "readonly",
      },
    },
    rules: { "no-implicit-globals": "error", strict: ["error", "function"] },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: globals.node },
  },
];
