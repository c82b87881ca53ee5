// <check-list> around the launcher: closes on Escape, and goes for good when somebody says so.
import { tell } from "../attention.js";

class CheckList extends HTMLElement {
  connectedCallback() {
    const details = this.querySelector("details");
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !details.open) return;
      details.open = false;
      details.querySelector("summary").focus();
    });
    this.querySelector("button").addEventListener("click", () => {
      tell("checklist_dismissed");
      const said = document.createElement("p");
      said.setAttribute("role", "status");
      said.tabIndex = -1;
      said.textContent = "Dismissed. Your list stays on the Help page.";
      this.replaceChildren(said);
      said.focus();
    });
  }
}

customElements.define("check-list", CheckList);
