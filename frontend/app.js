import "./css/index.css";
import "./dialogs.js";
import "./dismiss.js";
import "./elements/copy-button.js";
import "./elements/local-time.js";
import "./elements/show-password.js";
import "./elements/theme-toggle.js";

// Charts are drawn by the server first; the library that lets you question them comes after that paint.
async function charts(within) {
  const figures = within.querySelectorAll("[data-chart]:not([data-alive])");
  if (!figures.length) return;
  const [{ mount }] = await Promise.all([import("./charts.js"), document.fonts.ready]);
  figures.forEach(mount);
}

const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
addEventListener("load", () => later(() => charts(document)));
document.addEventListener("htmx:load", (event) => charts(event.detail.elt.parentElement ?? document));
