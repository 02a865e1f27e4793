// Passkeys: hands what the server asks to the browser, and what the browser says to the server.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const word = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// What the server asks has its bytes as words.
const asked = (text) => {
  const o = JSON.parse(text);
  o.challenge = bytes(o.challenge);
  if (o.user) o.user.id = bytes(o.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    for (const c of o[list] || []) c.id = bytes(c.id);
  }
  return o;
};

// What the browser says, with its bytes as words.
const said = (key) => {
  const r = key.response;
  const response = { clientDataJSON: word(r.clientDataJSON) };
  if (r.attestationObject) {
    response.attestationObject = word(r.attestationObject);
    if (r.getTransports) response.transports = r.getTransports();
  } else {
    response.authenticatorData = word(r.authenticatorData);
    response.signature = word(r.signature);
    if (r.userHandle) response.userHandle = word(r.userHandle);
  }
  return JSON.stringify({ id: key.id, rawId: word(key.rawId), type: key.type, response, clientExtensionResults: key.getClientExtensionResults() });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const says = form.querySelector(".passkey-says");
    const button = form.querySelector("button");
    says.hidden = true;
    button.disabled = true;
    try {
      const key = await navigator.credentials[form.dataset.passkey]({ publicKey: asked(form.dataset.ask) });
      form.querySelector("[name=passkey]").value = said(key);
      form.submit();
    } catch (e) {
      button.disabled = false;
      says.textContent = e.name === "InvalidStateError" ? says.dataset.there : says.dataset.none;
      says.hidden = false;
      button.focus();
    }
  });
}
