// Elements of the page. Text from records is only ever set as text.

export const make = (name, properties = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

export const section = (title, options, ...children) =>
  make("section", { class: options.class ?? "", id: options.id ?? "" },
    make("div", { class: "title" }, make("h2", {}, title), options.tools ?? null), ...children);

export const field = (label, input) => make("label", {}, label, input);

export const choice = (name, values, chosen) => {
  const select = make("select", { name });
  for (const [value, text] of values) {
    select.append(make("option", value === chosen ? { value, selected: "" } : { value }, text));
  }
  return select;
};

export const table = (name, columns, body) =>
  make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
    make("table", {}, make("thead", {}, make("tr", {},
      ...columns.map(([title, kind]) => make("th", { scope: "col", class: kind ?? "" }, title)))), body));

export const cell = (text, kind = "") => make("td", { class: kind }, text);

export const side = (name) => make("span", { class: name }, name === "LONG" ? "▼ longs" : "▲ shorts");

export const fill = (host, records, draw, nothing) => {
  host.replaceChildren(
    ...(records.length ? records.map(draw) : [make("p", { class: "quiet" }, nothing)]));
};

export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Calls when the palette changes or the element's width does.
export const redrawn = (host, draw) => {
  new ResizeObserver(draw).observe(host);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
};

const SVG = "http://www.w3.org/2000/svg";

// A line of `[x, y]` points, for a card.
export const sparkline = (points, label) => {
  const [width, height] = [240, 40];
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({
    viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "spark",
    preserveAspectRatio: "none",
  })) svg.setAttribute(name, value);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.map(([x, y]) => [
    (2 + ((x - left) / (right - left || 1)) * (width - 4)).toFixed(1),
    (height - 3 - ((y - low) / (high - low || 1)) * (height - 6)).toFixed(1),
  ].join(",")).join(" "));
  svg.append(line);
  return svg;
};
