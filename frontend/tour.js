// Runs a tour's steps with driver.js: one mask, a dialog with the focus inside, Escape and a cross on each step.
import { driver } from "driver.js";
import { spot } from "./attention.js";

// driver.js writes these on whatever it points at; they are for things that open something
const BUTTONS_ONLY = ["aria-haspopup", "aria-expanded", "aria-controls"];
const isNarrow = () => matchMedia("(max-width: 767px)").matches;
const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function run(steps, { viewed, ended }) {
  const there = steps.filter(({ target }) => spot(target));
  const tour = driver({
    animate: !isCalm(),
    smoothScroll: !isCalm(),
    duration: 200,
    overlayColor: "rgb(10 10 25)",
    overlayOpacity: 0.55,
    overlayClickBehavior: () => {},
    stagePadding: 6,
    stageRadius: 10,
    disableActiveInteraction: true,
    showProgress: there.length > 1,
    progressText: "{{current}} of {{total}}",
    nextBtnText: "Next",
    prevBtnText: "Back",
    doneBtnText: "Done",
    popoverClass: "tour",
    steps: there.map(({ id, target, title, content, side }) => ({
      element: () => spot(target),
      popover: { title, description: content, side: isNarrow() ? "bottom" : side, align: "start" },
      onHighlighted: (element, _step, { state }) => {
        for (const name of BUTTONS_ONLY) element.removeAttribute(name);
        state.popover?.nextButton.focus();
        viewed(id);
      },
    })),
    onPopoverRender: ({ title, footer, closeButton }) => {
      title.role = footer.role = "none"; // a <header> and a <footer>, which would be landmarks of the page
      closeButton.ariaLabel = "Skip the tour";
    },
    onDestroyStarted: () => {
      const isWhole = !tour.hasNextStep();
      tour.destroy();
      removeEventListener("htmx:afterSettle", tour.refresh);
      ended(isWhole);
    },
  });
  // a part of the page that arrives late moves what is pointed at
  addEventListener("htmx:afterSettle", tour.refresh);
  tour.drive();
}
