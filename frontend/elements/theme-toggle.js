// <theme-toggle> around a button: switches the theme and remembers the choice.
const root = document.documentElement;

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.switch());
    this.show();
  }

  switch() {
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.bsTheme);
    } catch {
      // forbidden: the choice holds for this page
    }
    this.show();
  }

  show() {
    this.button.setAttribute("aria-pressed", String(root.dataset.bsTheme === "dark"));
  }
}

customElements.define("theme-toggle", ThemeToggle);
