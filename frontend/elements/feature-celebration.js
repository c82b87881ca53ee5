// <feature-celebration data-features="a b"> around a dialog: opens it once, and tells that it was seen when it closes.
import { isFree, tell } from "../attention.js";

class FeatureCelebration extends HTMLElement {
  connectedCallback() {
    const dialog = this.querySelector("dialog");
    if (!isFree()) return;
    dialog.addEventListener("close", () => this.seen());
    dialog.addEventListener("click", (event) => {
      if (event.target.closest("a[href]:not([data-dialog-close])")) this.seen();
    });
    dialog.showModal();
  }

  seen() {
    if (!this.isConnected) return;
    for (const featureId of this.dataset.features.split(" ").filter(Boolean)) tell("feature_unlock_celebrated", { featureId });
    this.remove();
  }
}

customElements.define("feature-celebration", FeatureCelebration);
