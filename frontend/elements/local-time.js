// <local-time data-style="time"> around a <time>: the same moment in the person's zone and manner.
const STYLES = {
  time: { hour: "numeric", minute: "2-digit", timeZoneName: "short" },
  date: { day: "numeric", month: "short" },
  datetime: { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" },
};

class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector("time");
    const moment = new Date(time?.dateTime ?? "");
    if (Number.isNaN(moment.valueOf())) return;
    time.title = `${moment.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" })} (${time.title})`;
    const style = STYLES[this.dataset.style];
    if (style) time.textContent = moment.toLocaleString(undefined, style);
  }
}

customElements.define("local-time", LocalTime);
