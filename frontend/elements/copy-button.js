// <copy-button data-text="…" data-label="Copy">: copies, also where the clipboard may not be written: then the text
// is marked for the keys that copy. `data-tells` names the event that the server hears of it.
import { tell } from "../attention.js";

function marked(text) {
  const range = document.createRange();
  range.selectNodeContents(text);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = `btn btn-sm ${this.closest(".copyable") ? "btn-quiet" : "btn-secondary"}`;
    this.said = document.createElement("span");
    this.said.setAttribute("role", "status");
    this.said.textContent = "Copy";
    button.setAttribute("aria-label", this.dataset.label);
    button.append(this.said);
    button.addEventListener("click", () => this.copy());
    this.append(button);
  }

  async copy() {
    const isCopied = await this.written();
    this.said.textContent = isCopied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (this.said.textContent = "Copy"), isCopied ? 2000 : 6000);
    const { tells } = this.dataset;
    const language = document.querySelector("[name=with]:checked")?.value;
    if (tells) tell(tells, tells === "sdk_code_copied" && language ? { language } : {});
  }

  async written() {
    try {
      await navigator.clipboard.writeText(this.dataset.text);
      return true;
    } catch {
      const text = this.parentElement.querySelector("code");
      marked(text);
      const isDone = document.execCommand("copy"); // plain http, where there is no other way
      if (isDone) getSelection().removeAllRanges();
      return isDone;
    }
  }
}

customElements.define("copy-button", CopyButton);
