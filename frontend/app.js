import "./css/index.css";
import "./dialogs.js";
import "./dismiss.js";
import "./elements/beside-panel.js";
import "./elements/check-list.js";
import "./elements/copy-button.js";
import "./elements/feature-celebration.js";
import "./elements/local-time.js";
import "./elements/page-tip.js";
import "./elements/passkey-trouble.js";
import "./elements/product-tour.js";
import "./elements/sdk-setup.js";
import "./elements/show-password.js";
import "./elements/submit-once.js";
import "./elements/theme-toggle.js";
import "./sent-once.js";

// A row of segments that is wider than a phone starts at the one that is chosen.
for (const chosen of document.querySelectorAll(".segments > [aria-current]"))
  chosen.parentElement.scrollLeft = chosen.offsetLeft - chosen.parentElement.offsetLeft - 24;

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
