// <submit-once> around a form: sends it when somebody came by a link, not when they came back or loaded the page again.
class SubmitOnce extends HTMLElement {
  connectedCallback() {
    const [navigation] = performance.getEntriesByType("navigation");
    if (navigation?.type === "navigate") this.querySelector("form")?.requestSubmit();
  }
}

customElements.define("submit-once", SubmitOnce);
