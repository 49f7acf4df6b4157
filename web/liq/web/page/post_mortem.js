// The page at "/cascade/ID": one cascade, its life, and what it did.

import { drawPrices, drawSeconds } from "./cascade_charts.js";
import { nameOf, sum, venues } from "./cascades.js";
import { cell, make, section, side, table } from "./dom.js";
import { day, dollars, duration, percent, time } from "./format.js";
import { ask } from "./server.js";

const PARTS = ["speed", "volume", "imbalance", "concentration", "breadth"];

export const postMortem = async (main, id, showHorizon) => {
  main.classList.add("single");
  const [answer, feeds] = await Promise.all([ask(`/cascades/${encodeURIComponent(id)}`), ask("/venues")]);
  showHorizon(answer.horizon);
  const newest = [...answer.steps].reverse().find((step) => step.type !== "CASCADE_LINKED")
    ?? answer.steps[answer.steps.length - 1];
  document.title = `${nameOf(newest)} ${newest.side === "LONG" ? "longs" : "shorts"}, ${day(newest.started_at_ms)}`;
  const seconds = make("div", { class: "chart", role: "img", "aria-label": "Dollars by second of the cascade" });
  const prices = make("div", { class: "chart", role: "img", "aria-label": "Price by second and venue" });
  // Prices of different assets have no common path.
  const hasPath = answer.prices.length && newest.scope !== "market";
  main.append(...[
    summary(newest, answer, feeds.completeness),
    section("Dollars by second", {}, seconds),
    hasPath ? section("Price path", {}, prices) : null,
    section("Venues", {}, venues(newest)),
    newest.score_parts ? section("Its score", {}, parts(newest.score_parts)) : null,
    section("Its records", {}, table("Its records",
      [["Time"], ["Step"], ["Level"], ["Risk", "number"], ["Dollars", "number"], ["What it says"]],
      make("tbody", {}, ...answer.steps.map(stepRow)))),
  ].filter(Boolean));
  if (answer.seconds.length) drawSeconds(seconds, newest.side, answer.seconds);
  else seconds.replaceWith(make("p", { class: "quiet" }, "Its seconds are not known."));
  if (hasPath) drawPrices(prices, answer.prices);
};

const summary = (newest, answer, completeness) => {
  const copy = make("button", { type: "button" }, "Copy link");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href);
    copy.textContent = "Copied";
  });
  const end = newest.ended_at_ms ?? newest.timestamp_ms;
  const facts = [
    ["Began", `${day(newest.started_at_ms)} UTC`],
    [answer.is_open ? "Open for" : "Took", duration(end - newest.started_at_ms)],
    ["Dollars", sum(newest.total_value_usd, newest.exchanges, completeness)],
    ["Liquidations", String(newest.event_count)],
    ["Risk", String(Math.round(newest.risk_score))],
  ];
  if (newest.price) {
    facts.push(["Price moved", `${Number(newest.price.move_bps).toFixed(0)} bp (${newest.price.exchange})`]);
  }
  if (newest.analysis?.usd_times_normal) {
    facts.push(["Times normal", `${Math.round(newest.analysis.usd_times_normal)}×`]);
  }
  return section(`${nameOf(newest)} ${newest.side === "LONG" ? "longs" : "shorts"}`, { tools: copy },
    make("p", {}, side(newest.side), " ", make("span", { class: `badge ${newest.level ?? ""}` }, newest.level ?? ""),
      answer.is_open ? " still open" : " ended"),
    make("p", { class: "sentence" }, newest.explanation || ""),
    make("dl", { class: "sums" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    answer.missing ? make("p", { class: "bad" }, answer.missing) : null,
    newest.blind?.length ? make("p", { class: "bad" }, `Not seen: ${newest.blind.join(", ")}`) : null);
};

const parts = (found) => make("ul", { class: "shares" }, ...PARTS.map((name) =>
  make("li", {}, make("span", {}, name),
    make("meter", { min: "0", max: "1", value: String(found[name] ?? 0), "aria-label": name }),
    make("span", {}, percent(found[name] ?? 0)))));

const stepRow = (step) => make("tr", {},
  cell(time(step.timestamp_ms)),
  cell(String(step.type).replace("CASCADE_", "").toLowerCase()),
  cell(String(step.level ?? "")),
  cell(String(Math.round(step.risk_score)), "number"),
  cell(dollars(step.total_value_usd), "number"),
  cell(String(step.explanation ?? ""), "wrapped"));
