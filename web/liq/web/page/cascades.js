// Cascades as cards (open ones) and rows (ended ones).

import { dollars, duration, percent, short, time } from "./format.js";
import { cell, make, side, sparkline } from "./dom.js";

export const nameOf = (alert) => (alert.scope === "market" ? "Market" : alert.asset);
const link = (alert, ...children) =>
  make("a", { href: `/cascade/${encodeURIComponent(alert.cascade_id)}` }, ...children);

// A sum of sampled feeds is a lower bound, and says so.
export const sum = (value, venues, completeness) => {
  const sampled = venues.filter((venue) => (completeness[venue] ?? []).some((each) => each !== "complete"));
  if (!sampled.length) return make("span", {}, make("b", {}, dollars(value)), " complete feeds");
  return make("span", {}, make("b", {}, `≥ ${dollars(value)}`), ` sampled: ${sampled.join(", ")}`);
};

export const card = (completeness) => (alert) => {
  const path = alert.path ?? [];
  const article = make("article", { "data-cascade": alert.cascade_id },
    make("h3", {}, link(alert, `${nameOf(alert)} `, side(alert.side)),
      make("span", { class: `badge ${alert.level ?? ""}` }, alert.level ?? "")),
    score(alert),
    make("p", {}, sum(alert.total_value_usd, alert.exchanges, completeness),
      ` · ${alert.event_count} since ${time(alert.started_at_ms)}`),
    make("p", { class: "sentence" }, alert.explanation || alert.exchanges.join(", ")));
  if (path.length > 1) article.append(sparkline(path, `Price path of ${nameOf(alert)}`));
  article.append(...ahead(alert));
  return article;
};

const score = (alert) => {
  const rounded = Math.round(alert.risk_score);
  return make("div", { class: "score" },
    make("meter", { min: "0", max: "100", value: String(alert.risk_score), "aria-label": "Risk score" }),
    make("span", {}, `risk ${rounded}`));
};

export const venues = (alert) => {
  const shares = alert.analysis?.shares ?? [];
  if (!shares.length || alert.scope === "market") return make("p", { class: "quiet" }, alert.exchanges.join(", "));
  return make("ul", { class: "shares", "aria-label": "Venues" }, ...shares.map((share) =>
    make("li", {}, make("span", {}, share.name),
      make("meter", { min: "0", max: "1", value: String(share.usd_share ?? 0), "aria-label": `Share of ${share.name}` }),
      make("span", {}, percent(share.usd_share ?? 0)))));
};

// What is expected next, and who could not be seen; older detectors say neither.
const ahead = (alert) => {
  const lines = [];
  if (typeof alert.continue_probability === "number") {
    lines.push(make("p", { class: "ahead" }, `Next minute: as much again with ${percent(alert.continue_probability)}`
      + (alert.expected_more_usd ? `, ${dollars(alert.expected_more_usd)} expected` : "")));
  }
  if (alert.blind?.length) lines.push(make("p", { class: "bad" }, `Not seen: ${alert.blind.join(", ")}`));
  return lines;
};

export const ENDED = [["Began"], ["Asset"], ["Position"], ["Dollars", "number"], ["Level"], ["Risk", "number"],
  ["Events", "number"], ["Took", "number"], ["Price", "number"], ["Venues"]];

export const endedRow = (completeness) => (alert) => {
  const isBound = alert.exchanges.some((venue) =>
    (completeness[venue] ?? []).some((each) => each !== "complete"));
  return make("tr", { "data-cascade": alert.cascade_id },
    cell(short(alert.started_at_ms)),
    make("td", {}, link(alert, nameOf(alert))),
    make("td", {}, side(alert.side)),
    cell(`${isBound ? "≥ " : ""}${dollars(alert.total_value_usd)}`, "number"),
    make("td", {}, make("span", { class: `badge ${alert.level ?? ""}` }, alert.level ?? "")),
    cell(String(Math.round(alert.risk_score)), "number"),
    cell(String(alert.event_count), "number"),
    cell(duration((alert.ended_at_ms ?? alert.timestamp_ms) - alert.started_at_ms), "number"),
    cell(alert.price ? `${Number(alert.price.move_bps).toFixed(0)} bp` : "", "number"),
    cell(alert.exchanges.join(", ")));
};
