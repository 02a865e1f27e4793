// Keys of the desk. Every page works without them.
"use strict";

// "/" goes to the search field unless somebody types or has turned it off.
// Alt with V, R and E goes to verification, request and the end of the contact.
const reveal = (field) => {
  const closed = field.closest("details:not([open])");
  if (closed) closed.open = true;
  field.focus();
};

const first = (section) => section && (section.querySelector("details[open] :is(input, select, button):not([type=hidden])") ||
  section.querySelector(":is(input, select, button, summary):not([type=hidden])"));

const keys = {
  v: () => first(document.getElementById("verify")),
  r: () => first(document.getElementById("ask")),
  e: () => document.getElementById("end"),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.isComposing) return;
  let field = null;
  if (event.altKey) {
    const find = keys[event.key.toLowerCase()];
    field = find && find();
  } else if (event.key === "/" && document.body.dataset.keys === "on" && !event.target.closest("input:not([type=checkbox]), textarea, select")) {
    field = document.getElementById("number");
  }
  if (!field) return;
  event.preventDefault();
  reveal(field);
  if (field.id === "number") field.select();
});

// A link to a field opens the form that the field is in.
const follow = () => {
  const field = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (field) reveal(field);
};
addEventListener("hashchange", follow);

// What was answered or refused has the focus, also where the browser does not give it by itself.
addEventListener("DOMContentLoaded", () => {
  const said = document.querySelector("[data-focus]");
  if (said && !location.hash) said.focus();
  follow();
});

// A page that the browser has kept in memory is asked for anew: what it showed may not be shown any more.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
