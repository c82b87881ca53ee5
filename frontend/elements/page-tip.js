// <page-tip data-target="export">: a hint beside what it explains, until it is dismissed or the thing is used.
import { isFree, spot, tell } from "../attention.js";

class PageTip extends HTMLElement {
  connectedCallback() {
    this.target = spot(this.dataset.target);
    if (!this.target || !isFree()) return;
    this.hidden = false;
    this.place = this.place.bind(this);
    this.done = this.done.bind(this);
    addEventListener("resize", this.place);
    addEventListener("scroll", this.place, { passive: true });
    this.querySelector("button").addEventListener("click", this.done);
    this.querySelector("a")?.addEventListener("click", this.done);
    this.target.addEventListener("click", this.done, { once: true });
    this.place();
  }

  disconnectedCallback() {
    removeEventListener("resize", this.place);
    removeEventListener("scroll", this.place);
  }

  place() {
    const { left, right, top, bottom } = this.target.getBoundingClientRect();
    const { offsetWidth: wide, offsetHeight: tall } = this;
    const beside = this.target.closest(".sidebar");
    const above = !beside && bottom + 10 + tall > innerHeight && top - 10 - tall > 0;
    const end = document.documentElement.scrollHeight - scrollY; // nobody scrolls beyond it
    const x = beside ? right + 12 : Math.min(Math.max(left, 16), innerWidth - wide - 16);
    const y = Math.min(beside ? top : above ? top - 10 - tall : bottom + 10, end - tall - 10);
    this.style.left = `${x}px`;
    this.style.top = `${y}px`;
    this.style.setProperty("--point", `${Math.max((left + right) / 2 - x, 18)}px`);
    this.classList.toggle("page-tip-beside", Boolean(beside));
    this.classList.toggle("page-tip-above", above);
  }

  done() {
    tell("tooltip_dismissed", { tooltipId: this.dataset.id });
    this.remove();
  }
}

customElements.define("page-tip", PageTip);
