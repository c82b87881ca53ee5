// <sdk-setup> around the ways in: tells which one was chosen, and keeps it in the address for a refresh.
import { tell } from "../attention.js";

class SdkSetup extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", ({ target }) => {
      if (target.name !== "with") return;
      const here = new URL(location.href);
      here.searchParams.set("with", target.value);
      history.replaceState(history.state, "", here);
      tell("sdk_language_selected", { language: target.value });
    });
  }
}

customElements.define("sdk-setup", SdkSetup);
