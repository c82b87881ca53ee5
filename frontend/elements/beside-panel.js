// <beside-panel> around a list and the panel beside it. What a link opens there has the focus, and Escape goes back to the
// link; where it does not come, the link's own page says why.
class BesidePanel extends HTMLElement {
  connectedCallback() {
    const panel = this.querySelector("[data-panel]");
    this.addEventListener("htmx:afterSwap", ({ detail }) => {
      if (detail.target !== panel) return;
      this.opened?.removeAttribute("aria-current");
      detail.requestConfig.elt.setAttribute("aria-current", "true");
      panel.focus({ preventScroll: true });
    });
    for (const failure of ["htmx:responseError", "htmx:sendError"])
      this.addEventListener(failure, ({ detail }) => location.assign(detail.requestConfig.elt.href));
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.opened?.focus();
    });
  }

  get opened() {
    return this.querySelector("[aria-current]");
  }
}

customElements.define("beside-panel", BesidePanel);
