// What a chart says about one of its slots: when, the total, the parts in stack order with their shares.
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
  return percent < 0.1 ? "<0.1%" : `${percent.toFixed(percent < 9.95 ? 1 : 0).replace(".0", "")}%`;
}

export function tip(data, at) {
  const slot = data.slots[at];
  const total = data.series.reduce((sum, one) => sum + one.values[at], 0);
  const lines = data.series
    .filter((one) => one.values[at])
    .reverse()
    .map((one) =>
      made("div", "tip-row", "",
        made("span", `swatch series-${one.colour}`),
        made("span", "tip-name", one.name),
        made("span", "tip-value", one.texts[at]),
        made("span", "tip-share", share(one.values[at], total))));
  const head = made("div", "tip-head", "", made("span", "", slot.title), made("span", "", slot.total));
  const note = NOTES[slot.state] ? [made("div", "tip-note", NOTES[slot.state])] : [];
  return made("div", "tip", "", head, ...lines, ...note);
}
