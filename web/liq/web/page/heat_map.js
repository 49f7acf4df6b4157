// Dollars by price level and time on a canvas, the price as a line, cascades as bands.

import { day, dollars, marks, price, timeMark } from "./format.js";
import { colour, make, redrawn } from "./dom.js";

const LEFT = 66;
const BOTTOM = 22;
const TOP = 14;
const HEIGHT = 300;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const STEPS = [5, 10, 15, 30, 60, 120, 240, 360, 720, DAY_MINUTES];

export const heatLegend = () => make("p", { class: "legend" },
  make("span", { class: "LONG" }, "■ longs"), " ",
  make("span", { class: "SHORT" }, "■ shorts"), ", the stronger the more dollars; the line is the price; "
  + "bands with ▼ ▲ are cascades");

export class HeatMap {
  constructor(host) {
    this.host = host;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    host.append(this.canvas);
    this.found = null;
    redrawn(host, () => this.draw());
  }

  show(map, cascades) {
    this.found = map;
    this.cascades = cascades;
    this.canvas.setAttribute("aria-label", described(map, cascades));
    this.draw();
  }

  draw() {
    const width = this.host.clientWidth;
    if (!this.found || !width) return;
    const scale = devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = HEIGHT * scale;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${HEIGHT}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = "12px system-ui, sans-serif";
    const place = placing(this.found, width);
    this.drawLines(pen, place, width);
    this.drawCascades(pen, place);
    this.drawCells(pen, place);
    this.drawPrice(pen, place);
    this.drawAxes(pen, place, width);
  }

  drawLines(pen, place, width) {
    pen.fillStyle = colour("--line");
    for (const mark of marks(place.low, place.high)) pen.fillRect(LEFT, place.y(mark), width - LEFT, 1);
  }

  drawCascades(pen, place) {
    const { start_ms: start, end_ms: end } = this.found;
    for (const each of this.cascades) {
      const from = Math.max(start, each.started_at_ms);
      const to = Math.min(end, each.ended_at_ms ?? end);
      if (to <= start || from >= end) continue;
      const width = Math.max(2, place.x(to) - place.x(from));
      pen.fillStyle = colour(each.side === "LONG" ? "--long" : "--short");
      pen.globalAlpha = 0.16;
      pen.fillRect(place.x(from), TOP, width, place.bottom - TOP);
      pen.globalAlpha = 1;
      // A mark on top, which points the way the price is pushed.
      const middle = place.x(from) + width / 2;
      const [tip, base] = each.side === "LONG" ? [TOP, 3] : [3, TOP];
      pen.beginPath();
      pen.moveTo(middle, tip);
      pen.lineTo(middle - 5, base);
      pen.lineTo(middle + 5, base);
      pen.fill();
    }
  }

  drawCells(pen, place) {
    const most = Math.max(1, ...this.found.cells.map(([, , longs, shorts]) => longs + shorts));
    const [long, short] = [colour("--long"), colour("--short")];
    for (const [column, row, longs, shorts] of this.found.cells) {
      const strength = Math.log1p(longs + shorts) / Math.log1p(most);
      pen.globalAlpha = 0.25 + 0.75 * strength ** 2;
      pen.fillStyle = longs >= shorts ? long : short;
      pen.fillRect(place.column(column), place.row(row), place.cellWidth, place.cellHeight);
    }
    pen.globalAlpha = 1;
  }

  drawPrice(pen, place) {
    pen.strokeStyle = colour("--text");
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const [ms, value] of this.found.prices) {
      const [x, y] = [place.x(ms), Math.min(place.bottom, Math.max(TOP, place.y(value)))];
      pen.lineTo(x, y);
    }
    pen.stroke();
  }

  drawAxes(pen, place, width) {
    pen.fillStyle = colour("--quiet");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const mark of marks(place.low, place.high)) {
      pen.fillText(price(mark), LEFT - 6, Math.max(TOP, place.y(mark)));
    }
    pen.textBaseline = "top";
    pen.textAlign = "center";
    const { start_ms: start, end_ms: end } = this.found;
    const wanted = (end - start) / (width > 500 ? 7 : 4) / MINUTE_MS;
    const step = MINUTE_MS * (STEPS.find((minutes) => minutes >= wanted)
      ?? DAY_MINUTES * Math.ceil(wanted / DAY_MINUTES));
    for (let ms = Math.ceil(start / step) * step; ms < end - step / 4; ms += step) {
      pen.fillText(timeMark(ms), place.x(ms), place.bottom + 6);
    }
  }
}

// The lower edge of a row, and the rows below a price: rows are `ratio` times the one below, or
// `height` above it.
const edgeOf = (map, row) => (map.ratio ? map.lowest * map.ratio ** row : map.lowest + map.height * row);
const rowsBelow = (map, value) => (map.ratio
  ? Math.log(value / map.lowest) / Math.log(map.ratio)
  : (value - map.lowest) / map.height);

const placing = (map, width) => {
  const bottom = HEIGHT - BOTTOM;
  const right = width - 4;
  const rows = Math.max(1, map.rows);
  const columns = Math.max(1, (map.end_ms - map.start_ms) / map.step_ms);
  const cellHeight = (bottom - TOP) / rows;
  const cellWidth = (right - LEFT) / columns;
  const x = (ms) => LEFT + ((ms - map.start_ms) / map.step_ms) * cellWidth;
  return {
    bottom,
    cellHeight: Math.max(1.5, cellHeight - 0.5),
    cellWidth: Math.max(2, cellWidth - 0.5),
    x,
    y: (value) => bottom - rowsBelow(map, value) * cellHeight,
    column: (number) => LEFT + number * cellWidth,
    row: (number) => bottom - (number + 1) * cellHeight,
    low: map.lowest,
    high: edgeOf(map, rows),
  };
};

const described = (map, cascades) => {
  if (!map.cells.length) return `No liquidations of ${map.asset || "any asset"} in this time.`;
  const sums = new Map();
  for (const [, row, longs, shorts] of map.cells) {
    sums.set(row, (sums.get(row) ?? 0) + longs + shorts);
  }
  const [row, most] = [...sums].sort((one, other) => other[1] - one[1])[0];
  const shown = cascades.filter((each) => (each.ended_at_ms ?? map.end_ms) > map.start_ms).length;
  return `${map.asset} from ${day(map.start_ms)} to ${day(map.end_ms)} UTC: most dollars, `
    + `${dollars(most)}, at ${price(edgeOf(map, row))}; ${shown} cascades.`;
};
