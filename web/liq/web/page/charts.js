// Charts by uPlot: bars over time, lines of prices, columns of named things. The live page and the
// file of `liq report --html` draw with this module.

import { dollars, percent, price, time, timeMark } from "./format.js";
import { colour, make, redrawn } from "./dom.js";

const HEIGHT = 220;
// Least pixels for a name under a column.
const NAME_WIDTH = 42;
const MINUTE_SECONDS = 60;

const axis = (options) => ({
  stroke: () => colour("--quiet"),
  grid: { stroke: () => colour("--line"), width: 1 },
  ticks: { show: false },
  ...options,
});

const timeAxis = () => axis({
  size: 28,
  values: (_, ticks) => {
    const hasSeconds = ticks.length > 1 && ticks[1] - ticks[0] < MINUTE_SECONDS;
    return ticks.map((tick) => timeMark(tick * 1000, hasSeconds));
  },
});

const nameAxis = (names) => axis({
  size: 28,
  grid: { show: false },
  splits: (self) => {
    const each = Math.ceil((names.length * NAME_WIDTH) / self.width);
    return [...names.keys()].filter((place) => place % each === 0);
  },
  values: (_, places) => places.map((place) => names[place]),
});

// `label` gives a value's text; `moment` that of a place on the x axis, beside values under the pointer.
const chart = (host, series, { label, moment, xAxis = timeAxis(), x = { time: true }, y = {} }) => {
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  const made = new uPlot({
    width: host.clientWidth || 600,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x, y },
    axes: [xAxis, axis({ size: 68, values: (_, ticks) => ticks.map(label) })],
    series: [{}, ...series],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    hooks: { setCursor: [(self) => { readout.textContent = underPointer(self, moment, label); }] },
  }, [[], ...series.map(() => [])], host);
  host.append(readout);
  redrawn(host, () => {
    if (host.clientWidth) made.setSize({ width: host.clientWidth, height: HEIGHT });
  });
  return made;
};

const underPointer = (self, moment, label) => {
  const place = self.cursor.idx;
  if (place === null || place === undefined) return "";
  const values = self.series.slice(1).map((each, number) => {
    const value = self.data[number + 1][place];
    return value === null || value === undefined ? "" : ` · ${each.label} ${label(value)}`;
  });
  return moment(self.data[0][place]) + values.join("");
};

const fromZero = { range: (_, low, high) => [Math.min(0, 1.05 * (low ?? 0)), Math.max(0, 1.05 * (high ?? 0)) || 1] };
// Half a step more to both sides, so that the outer bars are whole.
const wholeBars = {
  time: true,
  range: (self, low, high) => {
    const half = ((self.data[0][1] ?? 0) - (self.data[0][0] ?? 0)) / 2 || 1;
    return [(low ?? 0) - half, (high ?? 0) + half];
  },
};
const secondsMoment = (second) => time(second * 1000);

const bar = (label, name, options = {}) => ({
  label,
  stroke: () => colour(name),
  fill: () => colour(name),
  paths: uPlot.paths.bars({ size: [0.8, 14], gap: 0, ...options }),
  points: { show: false },
});

// Data are seconds, dollars of longs below zero, dollars of shorts above.
export const bars = (host, moment = secondsMoment) =>
  chart(host, [bar("longs", "--long"), bar("shorts", "--short")],
    { label: (value) => dollars(Math.abs(value)), moment, x: wholeBars, y: fromZero });

export const barLegend = () => make("p", { class: "legend" },
  make("span", { class: "LONG" }, "■ longs, below"), " ",
  make("span", { class: "SHORT" }, "■ shorts, above"));

// Sums by their time in seconds, `[longs, shorts]`, as the data of `bars`; `step` fills what is
// missing between them.
export const barData = (sums, first, last, step) => {
  const seconds = [];
  for (let second = first; second <= last; second += step) seconds.push(second);
  return [
    seconds,
    seconds.map((second) => -(sums.get(second)?.[0] ?? 0) || null),
    seconds.map((second) => sums.get(second)?.[1] || null),
  ];
};

// Data are seconds and shares from 0 to 1.
export const shares = (host, label, moment = secondsMoment) =>
  chart(host, [bar(label, "--long")], { label: percent, moment, x: wholeBars, y: { range: [0, 1] } });

// A column of each of one or two series over each name; the first of two is hollow, so that they
// differ by more than colour. Data are the places 0, 1, 2... and the values.
export const columns = (host, names, series, label) => {
  const paired = series.length > 1;
  const drawn = series.map((each, place) => ({
    ...bar(each, "--line-2", { size: [paired ? 0.4 : 0.8, 40], align: paired ? 2 * place - 1 : 0 }),
    ...(paired && place === 0 ? { fill: "transparent", width: 1.5 } : {}),
  }));
  const range = [-0.6, names.length - 0.4];
  return chart(host, drawn, {
    label, moment: (place) => names[place], xAxis: nameAxis(names), x: { time: false, range }, y: fromZero,
  });
};

export const columnLegend = (series) => make("p", { class: "legend line-2" },
  series.map((each, place) => `${place < series.length - 1 ? "□" : "■"} ${each}`).join("  "));

const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];
const DASH_MARKS = ["—", "– –", "· ·", "– ·"];
export const MAX_LINES = DASHES.length;

// One line for each name; they differ by dash, not by colour alone.
export const lines = (host, names) =>
  chart(host, names.map((label, place) => ({
    label,
    stroke: () => colour(`--line-${place + 1}`),
    width: 2,
    dash: DASHES[place],
    spanGaps: true,
    points: { show: false },
  })), { label: price, moment: secondsMoment });

export const lineLegend = (names, leftOut) => make("p", { class: "legend" },
  ...names.map((each, place) =>
    make("span", { class: `line-${place + 1}` }, `${DASH_MARKS[place]} ${each}  `)),
  leftOut ? `and ${leftOut} more, not drawn` : null);
