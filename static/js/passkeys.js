// The buttons of passkeys, on top of allauth's script. It tells what went wrong, too.
(() => {
  "use strict";

  const { forms } = window.allauth.webauthn;
  const button = document.querySelector("[data-passkey]");
  const trouble = document.getElementById("passkey-trouble");
  const credential = document.querySelector("input[name=credential]").id;
  const kinds = {
    // allauth's form for new people asks the browser for what the server wants. Its other one does
    // not.
    add: (ids) => forms.signupForm({ ids: { signup: button.id, ...ids } }),
    use: (ids) => forms.authenticateForm({ ids: { authenticate: button.id, ...ids } }),
    "sign-in": () => forms.loginForm({ ids: { login: button.id, credential } }),
  };
  kinds[button.dataset.passkey]({ credential, data: "passkey-options" });

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const why = window.PublicKeyCredential ? "failed" : "none";
    trouble.textContent = trouble.dataset[why];
    trouble.hidden = false;
  });

  if (window.PublicKeyCredential) button.hidden = false;
})();
