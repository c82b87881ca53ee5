// Open <details data-dismiss> close on Escape, on a click elsewhere and when another opens, and stay inside the window.
const open = () => document.querySelectorAll("details[data-dismiss][open]");

document.addEventListener("click", (event) => {
  for (const details of open()) if (!details.contains(event.target)) details.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const details of open()) {
    details.open = false;
    details.querySelector("summary").focus();
  }
});

// toggle does not bubble, so it is caught on its way down
document.addEventListener("toggle", ({ target }) => {
  if (!target.matches("details[data-dismiss][open]")) return;
  target.classList.remove("pop-flipped");
  const { left } = target.querySelector(".pop-panel").getBoundingClientRect();
  target.classList.toggle("pop-flipped", left < 0);
}, true);
