// Starts the page that the address names: the overview at "/", a cascade at "/cascade/ID".

import { field, make, section } from "./dom.js";
import { day } from "./format.js";
import { Overview } from "./overview.js";
import { postMortem } from "./post_mortem.js";
import { keepToken, NeedsToken, ask } from "./server.js";

const DAY_MS = 86_400_000;
const status = document.getElementById("horizon");
const clock = document.getElementById("clock");

const say = (text, kind) => {
  if (status.textContent !== text) status.textContent = text;
  status.className = kind;
};

const showHorizon = (horizon) => {
  const until = horizon.liquidations_until_ms;
  const isRecorded = until !== null && until < horizon.now_ms - DAY_MS;
  say(horizon.is_complete ? "Complete up to now" : horizon.sentence,
    horizon.is_complete ? "good" : isRecorded ? "recorded" : "bad");
  clock.textContent = until === null ? "" : `Log at ${day(until)} UTC`;
};

const showTrouble = (text) => say(text, "bad");

const askForToken = (main, sentence) => {
  const input = make("input", { type: "password", name: "token", autocomplete: "off", required: "" });
  const form = make("form", { class: "filters" }, field("Token", input), make("button", {}, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    location.reload();
  });
  main.classList.add("single");
  main.replaceChildren(section("A token, please", {}, make("p", {}, `${sentence} It is kept until this tab is closed.`), form));
  input.focus();
};

const start = async () => {
  const main = document.getElementById("main");
  const id = location.pathname.match(/^\/cascade\/([0-9a-f]+)$/)?.[1];
  try {
    await ask("/horizon");
    await (id ? postMortem(main, id, showHorizon) : new Overview(main, showHorizon, showTrouble).start());
  } catch (error) {
    if (error instanceof NeedsToken) askForToken(main, error.message);
    else {
      showTrouble(error.message);
      main.append(make("p", { class: "bad" }, error.message));
    }
  }
};

start();
