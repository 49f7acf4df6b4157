// Charts over time by uPlot: bars of longs and shorts, and lines of prices.

import { dollars, price, time } from "./format.js";
import { colour, redrawn } from "./dom.js";

const axes = (label) => [
  {
    stroke: () => colour("--quiet"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    size: 28,
    values: (_, ticks) => {
      const cut = ticks.length > 1 && ticks[1] - ticks[0] < 60 ? 8 : 5;
      return ticks.map((tick) => time(tick * 1000).slice(0, cut));
    },
  },
  {
    stroke: () => colour("--quiet"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    size: 68,
    values: (_, ticks) => ticks.map(label),
  },
];

const chart = (host, height, series, label) => {
  const made = new uPlot({
    width: host.clientWidth || 600,
    height,
    cursor: { drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x: { time: true } },
    axes: axes(label),
    series: [{}, ...series],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
  }, [[], ...series.map(() => [])], host);
  redrawn(host, () => {
    if (host.clientWidth) made.setSize({ width: host.clientWidth, height });
  });
  return made;
};

const bar = (label, name) => ({
  label,
  stroke: () => colour(name),
  fill: () => colour(name),
  paths: uPlot.paths.bars({ size: [0.8, 14], gap: 0 }),
  points: { show: false },
});

// Data are seconds, dollars of longs below zero, dollars of shorts above.
export const bars = (host, height = 220) =>
  chart(host, height, [bar("Longs", "--long"), bar("Shorts", "--short")],
    (tick) => dollars(Math.abs(tick)));

const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

// One line for each name; they differ by dash, not by colour alone.
export const lines = (host, names, height = 220) =>
  chart(host, height, names.map((label, place) => ({
    label,
    stroke: () => colour(`--line-${(place % 4) + 1}`),
    width: 2,
    dash: DASHES[place % 4],
    spanGaps: true,
    points: { show: false },
  })), price);

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
