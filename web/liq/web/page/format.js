// Numbers and times as the page shows them. All times are UTC.

export const dollars = (value) => {
  const number = Number(value);
  const size = Math.abs(number);
  if (size >= 1e9) return `$${(number / 1e9).toFixed(2)}B`;
  if (size >= 1e6) return `$${(number / 1e6).toFixed(2)}M`;
  if (size >= 1e3) return `$${(number / 1e3).toFixed(1)}k`;
  return `$${number.toFixed(0)}`;
};

export const time = (ms) => new Date(ms).toISOString().slice(11, 19);
export const day = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
export const short = (ms) => new Date(ms).toISOString().slice(5, 16).replace("T", " ");

const DAY_MS = 86_400_000;

// A mark of a time axis: midnight has its date instead.
export const timeMark = (ms, hasSeconds = false) => {
  if (hasSeconds) return time(ms);
  return ms % DAY_MS === 0 ? day(ms).slice(5, 10) : time(ms).slice(0, 5);
};

export const duration = (ms) => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
};

export const price = (value) =>
  Number(value).toLocaleString("en-US", { maximumSignificantDigits: 7 });

export const percent = (share) => `${Math.round(100 * share)} %`;

// Five marks between two values, at round numbers.
export const marks = (low, high, wanted = 5) => {
  const raw = (high - low) / wanted;
  if (!(raw > 0)) return [low];
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= raw);
  const found = [];
  for (let mark = Math.ceil(low / step) * step; mark <= high; mark += step) found.push(mark);
  return found;
};
