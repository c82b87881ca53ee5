// <local-time data-style="time"> around a <time>: the same moment in the person's zone, written as the server writes it.
const two = (number) => String(number).padStart(2, "0");
const part = (moment, options, type) =>
  new Intl.DateTimeFormat("en", options).formatToParts(moment).find((each) => each.type === type).value;

function day(moment) {
  const words = `${moment.getDate()} ${part(moment, { month: "short" }, "month")}`;
  return moment.getFullYear() === new Date().getFullYear() ? words : `${words} ${moment.getFullYear()}`;
}

function time(moment) {
  const zone = part(moment, { hour: "numeric", timeZoneName: "short" }, "timeZoneName");
  return `${two(moment.getHours())}:${two(moment.getMinutes())} ${zone}`;
}

const STYLES = { time, date: day, datetime: (moment) => `${day(moment)}, ${time(moment)}` };

class LocalTime extends HTMLElement {
  connectedCallback() {
    const element = this.querySelector("time");
    const moment = new Date(element?.dateTime ?? "");
    if (Number.isNaN(moment.valueOf())) return;
    element.title = `${moment.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" })} (${element.title})`;
    const style = STYLES[this.dataset.style];
    if (style) element.textContent = style(moment);
  }
}

customElements.define("local-time", LocalTime);
