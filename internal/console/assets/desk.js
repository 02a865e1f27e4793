// Keys of the desk: "/" goes to the search field; Alt+V and Alt+R go to verification and request in every browser.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  const go = (id) => {
    const place = document.getElementById(id);
    const field = place && place.closest("section").querySelector("details[open] input:not([type=hidden]), input:not([type=hidden])");
    if (field) { event.preventDefault(); field.focus(); }
  };
  if (event.key === "/" && !typing) {
    const number = document.getElementById("number");
    if (number) { event.preventDefault(); number.focus(); number.select(); }
  }
  if (event.altKey && event.key.toLowerCase() === "v") go("verify-title");
  if (event.altKey && event.key.toLowerCase() === "r") go("ask-title");
});
