// What a chart says about one of its slots, read from its table: when, the total, the parts in stack order with shares.
const NOTES = { partial: "So far.", unsettled: "Not settled: the bill may still change this." };

function made(tag, className, text, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function share(value, total) {
  if (total <= 0 || value < 0) return "";
  const percent = (value / total) * 100;
  if (percent < 0.1) return "<0.1%";
  if (percent >= 99.95 && percent < 100) return ">99.9%";
  const places = percent < 9.95 || (percent >= 99.5 && percent < 100) ? 1 : 0;
  return `${percent.toFixed(places).replace(".0", "")}%`;
}

export function tip(data, table, at) {
  const [when, whole, ...parts] = table.tBodies[0].rows[at].cells;
  const names = [...table.tHead.rows[0].cells].slice(2);
  const total = data.series.reduce((sum, one) => sum + one.values[at], 0);
  const lines = data.series
    .map(({ colour, values }, place) =>
      values[at] &&
      made("div", "tip-row", "",
        made("span", `swatch series-${colour}`),
        made("span", "tip-name", names[place].textContent),
        made("span", "tip-value", parts[place].textContent),
        made("span", "tip-share", share(values[at], total))))
    .filter(Boolean)
    .reverse();
  const head = made("div", "tip-head", "", made("span", "", when.firstChild.textContent), made("span", "", whole.textContent));
  const note = NOTES[data.states[at]];
  return made("div", "tip", "", head, ...lines, ...(note ? [made("div", "tip-note", note)] : []));
}
