// <copy-button data-text="…" data-label="Copy">: a button that only exists where copying works.
class CopyButton extends HTMLElement {
  connectedCallback() {
    if (this.firstChild || !navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = `btn btn-sm ${this.closest(".copyable") ? "btn-quiet" : "btn-secondary"}`;
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    said.textContent = "Copy";
    button.setAttribute("aria-label", this.dataset.label);
    button.append(said);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.dataset.text);
      said.textContent = "Copied";
      setTimeout(() => (said.textContent = "Copy"), 2000);
    });
    this.append(button);
  }
}

customElements.define("copy-button", CopyButton);
