// The page at "/": what runs now, and what the last day was.

import { barData, barLegend, bars } from "./charts.js";
import { card, ENDED, endedRow, sum } from "./cascades.js";
import { cell, choice, field, fill, make, section, table } from "./dom.js";
import { dollars, time } from "./format.js";
import { HeatMap, heatLegend } from "./heat_map.js";
import { ask, follow } from "./server.js";

const TAPE_ROWS = 80;
const SECONDS_SHOWN = 300;
const LARGE_USD = 1_000_000;
const NOTABLE_USD = 100_000;
const REFRESH_MS = 3_000;
const RANGES = [["5m", "5 minutes"], ["60", "1 hour"], ["360", "6 hours"], ["1440", "1 day"]];

class Tape {
  constructor(body) {
    this.body = body;
    this.waiting = [];
  }

  add(records) {
    this.waiting.push(...records);
    this.waiting.splice(0, Math.max(0, this.waiting.length - TAPE_ROWS));
  }

  begin(records) {
    this.body.replaceChildren();
    this.waiting = [];
    this.add(records);
  }

  draw() {
    if (!this.waiting.length) return;
    const rows = document.createDocumentFragment();
    for (const record of this.waiting.reverse()) rows.append(tapeRow(record));
    this.waiting = [];
    this.body.prepend(rows);
    while (this.body.childElementCount > TAPE_ROWS) this.body.lastElementChild.remove();
  }
}

const tapeRow = (record) => {
  const usd = Number(record.value_usd);
  const size = usd >= LARGE_USD ? "large" : usd >= NOTABLE_USD ? "notable" : "";
  return make("tr", { class: size },
    cell(time(record.timestamp_ms)),
    cell(record.exchange),
    cell(record.base),
    make("td", { class: record.side }, record.side === "LONG" ? "▼ long" : "▲ short"),
    cell(record.price, "number price"),
    cell(dollars(usd), "number"));
};

export class Overview {
  constructor(main, showHorizon, showTrouble) {
    this.showHorizon = showHorizon;
    this.showTrouble = showTrouble;
    this.seconds = new Map();
    this.minutes = new Map();
    this.completeness = {};
    this.stop = () => {};
    this.build(main);
  }

  build(main) {
    this.range = choice("range", RANGES, "360");
    this.asset = choice("heat-asset", [], "");
    this.open = make("div", { class: "cards", id: "open" });
    this.ended = make("tbody", { id: "ended" });
    this.venues = make("tbody", { id: "venues" });
    this.tapeBody = make("tbody", { id: "tape" });
    this.leftOut = make("p", { class: "quiet", id: "left-out" });
    this.sums = make("dl", { class: "sums", id: "sums" });
    this.form = filters();
    const chart = make("div", { class: "chart", role: "img", "aria-label": "Dollars of longs and shorts over time" });
    const heat = make("div", { class: "chart heat", id: "heat" });
    main.append(
      make("div", { class: "column" },
        section("Liquidated dollars", { id: "dollars", tools: field("Range", this.range) },
          this.sums, chart, barLegend()),
        section("Price levels", { id: "levels", tools: field("Asset", this.asset) }, heat, heatLegend()),
        section("Ended cascades", { id: "ended-cascades" }, table("Ended cascades", ENDED, this.ended))),
      make("div", { class: "column" },
        section("Open cascades", { id: "open-cascades" }, this.open),
        section("Tape", { id: "tape-section" }, this.form, table("Tape",
          [["Time"], ["Venue"], ["Asset"], ["Position"], ["Price", "number price"], ["Dollars", "number"]], this.tapeBody),
        this.leftOut),
        section("Venues", { id: "venue-section" }, table("Venues",
          [["Venue"], ["Feed"], ["Up"], ["Gaps", "number"], ["Publishes"], ["Newest"]], this.venues))));
    this.chart = bars(chart);
    this.heat = new HeatMap(heat);
    this.tape = new Tape(this.tapeBody);
  }

  async start() {
    await this.refresh();
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", () => this.connect());
    this.range.addEventListener("change", () => this.refresh());
    this.asset.addEventListener("change", () => this.refresh());
    this.connect();
    const draw = () => {
      if (this.changed) {
        this.changed = false;
        this.tape.draw();
        if (this.range.value === "5m") this.drawChart();
      }
      requestAnimationFrame(draw);
    };
    draw();
    setInterval(() => { if (!document.hidden) this.refresh(); }, REFRESH_MS);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.refresh(); });
  }

  connect() {
    this.stop();
    const query = new URLSearchParams(new FormData(this.form));
    for (const [name, value] of [...query]) if (!value) query.delete(name);
    this.stop = follow(`/live?${query}`, (name, document_) => this.take(name, document_), this.showTrouble);
  }

  take(name, found) {
    if (name === "begin") {
      this.seconds.clear();
      this.tape.begin(found.tape);
    } else {
      this.tape.add(found.tape);
    }
    for (const [second, longs, shorts] of found.seconds) this.seconds.set(second, [longs, shorts]);
    this.leftOut.textContent = found.left_out ? `${found.left_out} smaller ones just now are not shown.` : "";
    this.showHorizon(found.state);
    this.changed = true;
    if (found.has_cascades) this.refresh();
  }

  async refresh() {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const hours = Math.max(1, (Number(this.range.value) || 60) / 60);
      const heat = `/heat-map/today?hours=${hours}&asset=${encodeURIComponent(this.asset.value)}`;
      const [cascades, feeds, minutes, levels] = await Promise.all([
        ask("/cascades?limit=30"), ask("/venues"), ask(`/minutes/today?hours=${hours}`), ask(heat),
      ]);
      this.completeness = feeds.completeness;
      this.showHorizon(cascades.horizon);
      fill(this.open, cascades.open, card(this.completeness), "None now.");
      this.ended.replaceChildren(...cascades.ended.map(endedRow(this.completeness)));
      this.venues.replaceChildren(...venueRows(feeds));
      this.takeMinutes(minutes.minutes);
      this.offer(levels.assets, levels.map.asset);
      this.heat.show(levels.map, levels.cascades);
      this.drawChart();
    } catch (error) {
      this.showTrouble(error.message);
    } finally {
      this.isAsking = false;
    }
  }

  takeMinutes(rows) {
    this.minutes.clear();
    const totals = { LONG: 0, SHORT: 0, count: 0 };
    const venues = new Set();
    for (const row of rows) {
      const value = Number(row.value_usd);
      const found = this.minutes.get(row.minute_ms / 1000) ?? [0, 0];
      found[row.side === "LONG" ? 0 : 1] += value;
      this.minutes.set(row.minute_ms / 1000, found);
      totals[row.side] += value;
      totals.count += row.count;
      venues.add(row.exchange);
    }
    const shown = [...venues].sort();
    this.sums.replaceChildren(
      term("▼ longs", sum(totals.LONG, shown, this.completeness), "LONG"),
      term("▲ shorts", sum(totals.SHORT, shown, this.completeness), "SHORT"),
      term("Liquidations", make("b", {}, totals.count.toLocaleString("en-US")), ""));
  }

  drawChart() {
    if (this.range.value === "5m") {
      const newest = Math.max(0, ...this.seconds.keys());
      const first = newest - SECONDS_SHOWN;
      for (const second of this.seconds.keys()) if (second < first) this.seconds.delete(second);
      this.chart.setData(barData(this.seconds, first, newest, 1));
      return;
    }
    const newest = Math.max(0, ...this.minutes.keys());
    const span = 60 * Number(this.range.value);
    const step = span > 6 * 3600 ? 600 : span > 3600 ? 120 : 60;
    const sums = new Map();
    for (const [second, [longs, shorts]] of this.minutes) {
      const place = second - (second % step);
      const found = sums.get(place) ?? [0, 0];
      sums.set(place, [found[0] + longs, found[1] + shorts]);
    }
    const last = newest - (newest % step);
    this.chart.setData(barData(sums, last - span, last, step));
  }

  offer(assets, chosen) {
    const names = assets.includes(chosen) || !chosen ? assets : [chosen, ...assets];
    if (names.join() === [...this.asset.options].map((option) => option.value).join()) return;
    const focused = document.activeElement === this.asset;
    if (focused && this.asset.options.length) return;
    this.asset.replaceChildren(...names.map((name) =>
      make("option", name === chosen ? { value: name, selected: "" } : { value: name }, name)));
  }
}

const term = (name, value, kind) => make("div", {}, make("dt", { class: kind }, name), make("dd", {}, value));

const filters = () => make("form", { class: "filters", "aria-label": "Filters of the tape" },
  field("Venue", make("input", { name: "exchange", placeholder: "all", autocomplete: "off" })),
  field("Asset", make("input", { name: "asset", placeholder: "all", autocomplete: "off" })),
  field("Position", choice("side", [["", "both"], ["LONG", "longs"], ["SHORT", "shorts"]], "")),
  field("Least dollars", make("input", { name: "min_usd", inputmode: "numeric", placeholder: "0", autocomplete: "off" })));

// Venues with feeds first; a recording has liquidations and no feeds.
const venueRows = (feeds) => {
  const known = new Set(feeds.venues.map((venue) => venue.exchange));
  const published = (venue) => (feeds.completeness[venue] ?? []).join(", ");
  return [
    ...feeds.venues.map((venue) => make("tr", {},
      cell(venue.exchange), cell(venue.feed),
      cell(`${venue.connected} of ${venue.connections}`, venue.connected ? "" : "bad"),
      cell(String(venue.counts.gap ?? 0), "number"), cell(published(venue.exchange)),
      cell(venue.newest_ms ? time(venue.newest_ms) : ""))),
    ...Object.keys(feeds.completeness).filter((venue) => !known.has(venue)).map((venue) => make("tr", {},
      cell(venue), cell("recorded"), cell(""), cell(""), cell(published(venue)), cell(""))),
  ];
};
