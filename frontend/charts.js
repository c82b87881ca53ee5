// Makes a drawn chart alive: hover for the day's parts, click to drill in, colours that follow the theme.
import { BarChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { colour } from "./colour.js";
import { tip } from "./tip.js";

use([BarChart, GridComponent, TooltipComponent, SVGRenderer]);

function options(data, place) {
  // a narrow plot names every second of its labelled slots
  const every = data.every * (place.clientWidth < 480 ? 2 : 1);
  const soft = colour("--ink-soft");
  const surface = colour("--surface");
  const seam = data.slots.length > 45 ? {} : { borderColor: surface, borderWidth: 0.5 };
  const decal = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 2], rotation: -Math.PI / 4, color: surface };
  const { low, high, step, first, labels } = data.axis;
  const isTick = (value) => Math.abs(value / step - Math.round(value / step)) < 1e-6;
  const words = { color: soft, fontSize: 12, fontFamily: getComputedStyle(document.body).fontFamily };
  return {
    animation: false,
    grid: { left: 56, right: 4, top: 10, bottom: 28 },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: colour("--ink"), opacity: 0.06 } },
      padding: 0, borderWidth: 0, backgroundColor: "transparent", confine: true, transitionDuration: 0,
      formatter: ([first]) => tip(data, first.dataIndex) },
    xAxis: { type: "category", data: data.slots.map((slot) => slot.label), axisTick: { show: false },
      axisLine: { show: false }, axisLabel: { ...words, margin: 8, lineHeight: 16, interval: (at) => at % every === 0 } },
    yAxis: { min: low, max: high, interval: step, splitLine: { showMinLine: isTick(low), lineStyle: { color: colour("--line") } },
      axisLabel: { ...words, margin: 8, formatter: (value) => (isTick(value) ? labels[Math.round(value / step) - first] : "") } },
    series: data.series.map((one) => ({ type: "bar", stack: "all", name: one.name, barCategoryGap: "32%",
      emphasis: { disabled: true }, cursor: "pointer", itemStyle: { color: colour(one.colour ? `--series-${one.colour}` : "--series-other"), ...seam },
      data: one.values.map((value, at) => (data.slots[at].state ? { value, itemStyle: { ...seam, decal } } : value)) })),
  };
}

export function mount(figure) {
  const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  figure.dataset.alive = "";
  if (data.empty) return;
  const place = document.createElement("div");
  place.className = "chart-live";
  place.setAttribute("aria-hidden", "true");
  figure.querySelector(".chart-plot").append(place);
  const chart = init(place, null, { renderer: "svg" });
  const draw = () => chart.setOption(options(data, place));
  draw();
  figure.classList.add("chart-alive");
  new ResizeObserver(() => {
    chart.resize();
    draw();
  }).observe(place);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  chart.getZr().on("click", ({ offsetX, offsetY }) => {
    if (!chart.containPixel("grid", [offsetX, offsetY])) return;
    const [at] = chart.convertFromPixel("grid", [offsetX, offsetY]);
    const href = data.slots[at]?.href;
    if (href) location.assign(href);
  });
}
