// Keys of the desk. Every page works without them.
"use strict";

// "/" goes to the search field unless somebody types or has turned it off.
// Alt with V, R and E goes to verification, request and the end of the contact, with C, O, U, N and X to a change of the
// account, an offer, the use of their information, the notes, and what is done for who is in danger or in fear; with D to the desks.
// A digit goes to the way out of a refusal that bears it.
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
  c: () => unfold("change"),
  o: () => unfold("consent"),
  n: () => document.getElementById("note-text"),
  u: () => { unfold("usage"); return document.getElementById("usage-no"); },
  x: () => { unfold("distress"); return document.getElementById("distress-emergency"); },
  d: () => document.querySelector("nav a[href='/desks']"),
};

// unfold opens what is behind a title, and gives the title.
const unfold = (id) => {
  const part = document.getElementById(id);
  if (!part) return null;
  part.open = true;
  return part.querySelector("summary");
};

const single = (event) => document.body.dataset.keys === "on" && !event.target.closest("input:not([type=checkbox]), textarea, select");

// way goes the n-th way out of a refusal: it follows the link, and gives the focus to the button. It says whether there is one.
const way = (n) => {
  const to = document.querySelector(`.ways > li:nth-child(${n}) :is(a, button)`);
  if (to) to.localName === "a" ? to.click() : to.focus();
  return !!to;
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.isComposing) return;
  let field = null;
  if (event.altKey) {
    const find = keys[event.key.toLowerCase()];
    field = find && find();
  } else if (event.key === "/" && single(event)) {
    field = document.getElementById("number");
  }
  if (!field) return;
  event.preventDefault();
  reveal(field);
  if (field.id === "number") field.select();
});

// Taken when the digit itself comes, and not before, so that it is not typed into the field that it leads to.
document.addEventListener("keypress", (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && /^[1-9]$/.test(event.key) && single(event) && way(event.key)) event.preventDefault();
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

// A menu of sections closes by Escape, which gives the focus back to its title, and when something else is looked at.
const menu = () => document.querySelector("nav details[open]");
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && menu();
  if (!open) return;
  open.open = false;
  if (open.contains(document.activeElement)) open.querySelector("summary").focus();
});
for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, (event) => {
    const open = menu();
    if (open && !open.contains(event.target)) open.open = false;
  });
}

// A page that the browser has kept in memory is asked for anew: what it showed may not be shown any more.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// What is awaited, such as a call that rings, is looked for again, unless somebody types or has gone elsewhere on the page.
const awaited = document.querySelector("[data-awaited]");
if (awaited) {
  setInterval(() => {
    const at = document.activeElement;
    const typed = [...document.querySelectorAll("input:not([type=hidden], [type=checkbox]), textarea")].some((f) => f.value !== f.defaultValue);
    if (!typed && !document.hidden && (at === document.body || awaited.contains(at))) location.reload();
  }, 4000);
}

// A button copies what is to be written elsewhere. Without scripts it is not there, and the text is selected by hand.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const says = button.firstChild;
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      says.textContent = "Copied";
    } catch {
      says.textContent = "Selected: press Ctrl+C"; // the browser lets no page copy here
    }
    setTimeout(() => { says.textContent = "Copy"; }, 3000);
  });
}
