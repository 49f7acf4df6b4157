// Draws the charts of the file that `liq report --html` writes, from the data in it. Each figure has
// its numbers as a table, which is open until its chart is drawn.

import { barData, barLegend, bars, columnLegend, columns, shares } from "./charts.js";
import { drawPrices, drawSeconds } from "./cascade_charts.js";
import { day, dollars, percent } from "./format.js";
import { HeatMap, heatLegend } from "./heat_map.js";

const SIZES = ["share of liquidations", "share of dollars"];
const minute = (second) => day(second * 1000).slice(0, 16);
const edge = (usd) => (usd >= 1e6 ? `$${usd / 1e6}M` : usd >= 1e3 ? `$${usd / 1e3}k` : `$${usd}`);

const places = (values) => [...values.keys()];

const DRAWN = {
  series: (host, { first, last, step, sums }) => {
    bars(host, minute).setData(barData(new Map(sums.map(([second, ...each]) => [second, each])), first, last, step));
    host.after(barLegend());
  },
  long_share: (host, { seconds, values }) => shares(host, "longs", minute).setData([seconds, values]),
  levels: (host, { map, cascades }) => {
    new HeatMap(host).show(map, cascades);
    host.after(heatLegend());
  },
  sizes: (host, { edges, values }) => {
    columns(host, edges.map(edge), SIZES, percent).setData([places(edges), ...values]);
    host.after(columnLegend(SIZES));
  },
  hours_of_day: (host, { hours, values }) =>
    columns(host, hours.map((hour) => String(hour).padStart(2, "0")), ["a day"], dollars)
      .setData([places(hours), values]),
  cascade_seconds: (host, { side, rows }) => drawSeconds(host, side, rows),
  cascade_prices: (host, { rows }) => drawPrices(host, rows),
};

const data = JSON.parse(document.getElementById("data").textContent);
for (const figure of document.querySelectorAll("figure")) {
  const host = figure.querySelector(".chart");
  host.hidden = false;
  DRAWN[figure.id](host, data[figure.id]);
  figure.querySelector("details").open = false;
}
