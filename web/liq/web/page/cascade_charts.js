// The charts of one cascade: its dollars by second, and the prices at which it liquidated.

import { barData, bars, lineLegend, lines, MAX_LINES } from "./charts.js";

// `rows` are `{ second_ms, value_usd }`, at least one.
export const drawSeconds = (host, side, rows) => {
  const sums = new Map(rows.map((row) => {
    const value = Number(row.value_usd);
    return [row.second_ms / 1000, side === "LONG" ? [value, 0] : [0, value]];
  }));
  const seconds = [...sums.keys()];
  bars(host).setData(barData(sums, Math.min(...seconds), Math.max(...seconds), 1));
};

// `rows` are `{ second_ms, exchange, symbol, price_kind, price }`; memory knows no kind. The longest
// paths are drawn.
export const drawPrices = (host, rows) => {
  const paths = new Map();
  for (const row of rows) {
    const name = [`${row.exchange} ${row.symbol}`, row.price_kind?.replaceAll("_", " ")].filter(Boolean).join(", ");
    if (!paths.has(name)) paths.set(name, new Map());
    paths.get(name).set(row.second_ms / 1000, Number(row.price));
  }
  const shown = [...paths].sort((one, other) => other[1].size - one[1].size).slice(0, MAX_LINES);
  const seconds = [...new Set(rows.map((row) => row.second_ms / 1000))].sort((one, other) => one - other);
  const names = shown.map(([name]) => name);
  lines(host, names).setData([
    seconds, ...shown.map(([, path]) => seconds.map((second) => path.get(second) ?? null)),
  ]);
  host.after(lineLegend(names, paths.size - names.length));
};
