// <theme-toggle> around a button: switches the theme and remembers the choice.
const root = document.documentElement;

function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is forbidden: the system's choice stands
  }
}

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.switch());
    this.show();
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", () => this.follow(system.matches));
  }

  // the system turns dark at dusk: so does a page that nobody has decided otherwise about
  follow(isDark) {
    if (remembered()) return;
    root.dataset.bsTheme = isDark ? "dark" : "light";
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
