// Makes a drawn chart alive: hover for the day's parts, click to drill in, colours that follow the theme.
import { BarChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { colour } from "./colour.js";
import { tip } from "./tip.js";

use([BarChart, GridComponent, TooltipComponent, SVGRenderer]);

// ticks and days stay those that the server wrote; only the bars are drawn again, at the same place
function options(data, table, left) {
  const surface = colour("--surface");
  const seam = data.states.length > 45 ? {} : { borderColor: surface, borderWidth: 0.5 };
  const decal = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 2], rotation: -Math.PI / 4, color: surface };
  return {
    animation: false,
    grid: { left, right: 4, top: 10, bottom: 28 },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: colour("--ink"), opacity: 0.06 } },
      padding: 0, borderWidth: 0, backgroundColor: "transparent", confine: true, transitionDuration: 0,
      formatter: ([first]) => tip(data, table, first.dataIndex) },
    xAxis: { type: "category", data: data.states.map((_, at) => at), show: false },
    yAxis: { type: "value", min: data.low, max: data.high, show: false },
    series: data.series.map((one) => ({ type: "bar", stack: "all", barCategoryGap: "32%",
      emphasis: { disabled: true }, cursor: "pointer", itemStyle: { color: colour(one.colour ? `--series-${one.colour}` : "--series-other"), ...seam },
      data: one.values.map((value, at) => (data.states[at] ? { value, itemStyle: { ...seam, decal } } : value)) })),
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
  const table = figure.querySelector("table");
  const { offsetLeft } = figure.querySelector(".chart-drawn");
  const draw = () => chart.setOption(options(data, table, offsetLeft));
  draw();
  figure.classList.add("chart-alive");
  new ResizeObserver(() => chart.resize()).observe(place);
  const followTheme = new MutationObserver(() => {
    if (figure.isConnected) return draw();
    followTheme.disconnect();
    chart.dispose();
  });
  followTheme.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  chart.getZr().on("click", ({ offsetX, offsetY }) => {
    if (!chart.containPixel("grid", [offsetX, offsetY])) return;
    const [at] = chart.convertFromPixel("grid", [offsetX, offsetY]);
    const href = table.tBodies[0].rows[at]?.querySelector("a")?.href;
    if (href) location.assign(href);
  });
}
