// <product-tour data-id="dashboard_intro">: starts by itself or offers itself, when what it points at is on screen.
import { isFree, isFreeOfErrors, spot, tell } from "../attention.js";

class ProductTour extends HTMLElement {
  connectedCallback() {
    this.steps = JSON.parse(this.querySelector("script").textContent);
    const isFreeForThis = "wanted" in this.dataset ? isFreeOfErrors() : isFree();
    if (!isFreeForThis || document.querySelector("[data-filling]") || !this.isReady()) return;
    const offer = this.querySelector(".tour-offer");
    if (!offer) return this.start();
    offer.hidden = false;
    this.querySelector("[data-start]").addEventListener("click", () => this.start());
    this.querySelector("[data-skip]").addEventListener("click", () => this.end("tour_skipped"));
  }

  isReady() {
    return this.steps.every(({ target, wide }) => wide || spot(target));
  }

  async start() {
    this.querySelector(".tour-offer")?.remove();
    const { run } = await import("../tour.js");
    tell("tour_started", { tourId: this.dataset.id });
    run(this.steps, {
      viewed: (stepId) => tell("tour_step_viewed", { tourId: this.dataset.id, stepId }),
      ended: (isWhole) => this.end(isWhole ? "tour_completed" : "tour_skipped"),
    });
  }

  end(event) {
    tell(event, { tourId: this.dataset.id });
    this.remove();
  }
}

customElements.define("product-tour", ProductTour);
