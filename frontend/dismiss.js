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

// Its panel hangs from the other side of the button where more of it is in sight.
function place(details) {
  const panel = details.querySelector(".pop-panel");
  const outside = (isFlipped) => {
    details.classList.toggle("pop-flipped", isFlipped);
    const { left, right } = panel.getBoundingClientRect();
    return Math.max(0, -left, right - document.documentElement.clientWidth);
  };
  details.classList.toggle("pop-flipped", outside(true) < outside(false));
}

const placeAll = () => open().forEach(place);

// toggle does not bubble, so it is caught on its way down
document.addEventListener("toggle", ({ target }) => {
  if (target.matches("details[data-dismiss][open]")) place(target);
}, true);
document.addEventListener("htmx:afterSwap", placeAll); // what came later may be wider
addEventListener("resize", placeAll);
placeAll();
