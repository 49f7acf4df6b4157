// Questions to the server, and its stream. A token that was given is kept until the tab is closed.

const TOKEN = "liq-token";
const SILENCE_MS = 15_000;
const LONGEST_WAIT_MS = 10_000;

export class NeedsToken extends Error {}

export const keepToken = (token) => sessionStorage.setItem(TOKEN, token);

const headers = () => {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

const request = async (path, options = {}) => {
  const answer = await fetch(`/api/v1${path}`, { ...options, headers: headers() });
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  const sentence = typeof body.detail === "string" ? body.detail : `the server says ${answer.status}`;
  throw answer.status === 401 ? new NeedsToken(sentence) : new Error(sentence);
};

export const ask = async (path) => (await request(path)).json();

// Server-sent events over fetch, which unlike EventSource can send a token. Ends after a silence:
// a connection that has died while the machine slept says nothing.
async function* events(path, signal) {
  const quiet = new AbortController();
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  };
  try {
    wait();
    const answer = await request(path, { signal: AbortSignal.any([signal, quiet.signal]) });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      wait();
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const event = { name: "message", data: "" };
        for (const line of part.split("\n")) {
          if (line.startsWith("event: ")) event.name = line.slice(7);
          if (line.startsWith("data: ")) event.data += line.slice(6);
        }
        if (event.data) yield event;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

// Calls `take(name, document)` for each event, over and over again until the function that is
// returned is called; `trouble(sentence)` while there is no connection.
export const follow = (path, take, trouble) => {
  const stop = new AbortController();
  const run = async () => {
    let failures = 0;
    while (!stop.signal.aborted) {
      try {
        for await (const { name, data } of events(path, stop.signal)) {
          if (stop.signal.aborted) return;
          failures = 0;
          take(name, JSON.parse(data));
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof NeedsToken) { trouble(error.message); return; }
      }
      failures += 1;
      trouble("The connection is lost; trying again.");
      await new Promise((resolve) => {
        setTimeout(resolve, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures));
      });
    }
  };
  run();
  return () => stop.abort();
};
