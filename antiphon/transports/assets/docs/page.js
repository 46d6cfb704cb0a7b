// The "Connecting via API" guide: shows what belongs to the choice, and keeps the choice in the URL.

import { CONNECTIONS, MODALITIES, MODES, PROGRAMS, SNIPPETS, STYLES, carrier, program, sample, speech } from "./samples.js";
import { REFUSALS, TO_CLIENT, TO_SERVER } from "./reference.js";

const WORDS = { connection: CONNECTIONS, modality: MODALITIES, mode: MODES, style: STYLES };
const COPIED_MS = 2000;
const KINDS = { audio: "sound", video: "pictures", "audio-video": "sound and pictures" };
const WAYS = { "send-receive": "both ways", receive: "to the client only", send: "from the client only" };
const SYNTAX = {
  js: /(?<comment>\/\/.*)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<number>\b\d[\d.]*\b)|(?<keyword>\b(?:async|await|break|case|class|const|constructor|continue|default|else|extends|for|function|if|import|let|new|of|return|super|switch|this|throw|true|false|null|typeof)\b)/g,
  python: /(?<comment>#.*)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<number>\b\d[\d.]*\b)|(?<keyword>\b(?:async|await|class|def|for|from|import|in|None|print|return|True|False)\b)/g,
  json: /(?<string>"(?:[^"\\\n]|\\.)*")|(?<number>\b\d[\d.]*\b)/g,
};

const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const server = new URL("./", location).href;
const choice = { connection: "webrtc", modality: "audio", mode: "send-receive", style: "plain" };

/** What a fragment such as `#websocket/audio/send/plain/inputs` names: a choice, a place, or both. */
function parse(fragment) {
  const words = fragment.slice(1).replaceAll("%2F", "/").split("/"); // no word of ours needs more decoding
  const named = {};
  for (const [name, values] of Object.entries(WORDS)) {
    const value = words.find((word) => values.includes(word));
    if (value) named[name] = value;
  }
  return { named, place: words.find((word) => word && document.getElementById(word)?.matches("section")) ?? "" };
}

const fragment = (place = "") => `#${[...Object.values(choice), place].filter(Boolean).join("/")}`;

function code(name) {
  const { connection, modality, mode, style } = choice;
  const texts = {
    sample: () => sample(connection, modality, mode, style, server),
    program: () => program(modality, mode),
    "program-inputs": () => PROGRAMS.inputs,
    "program-outputs": () => PROGRAMS.outputs,
    speech: () => speech(server),
    refusal: () => JSON.stringify(TO_CLIENT.at(-1)[0], null, 2) + "\n",
  };
  return texts[name]?.() ?? SNIPPETS[name];
}

function colored(text, language) {
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(SYNTAX[language])) {
    const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    const part = Object.assign(document.createElement("span"), { className: kind, textContent: match[0] });
    parts.append(text.slice(end, match.index), part);
    end = match.index + match[0].length;
  }
  parts.append(text.slice(end));
  return parts;
}

function showCode() {
  for (const block of all("pre[data-code]")) {
    const inner = document.createElement("code");
    inner.append(colored(code(block.dataset.code), block.dataset.language));
    block.replaceChildren(inner);
  }
}

/** Whether a part belongs to the choice: one word of each of its groups does. */
function isShown(groups) {
  const used = carrier(choice.connection, choice.modality);
  const chosen = [used, choice.modality, choice.mode, choice.style];
  if (used !== choice.connection) chosen.push(`no-${choice.connection}`);
  return groups.split(",").every((group) => group.trim().split(" ").some((word) => chosen.includes(word)));
}

function table(label, heads, rows) {
  const cells = (tag, row) => row.map((cell) => `<${tag}${tag === "th" ? ' scope="col"' : ""}>${cell}</${tag}>`).join("");
  const body = rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("");
  return `<div class="scroll" role="group" aria-label="${label}" tabindex="0"><table><thead><tr>${cells("th", heads)}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function example(message) {
  const text = JSON.stringify(message, null, 1).replace(/\n\s*/g, " ").replace(/(?<=[{[]) | (?=[}\]])/g, "");
  return `<code class="example">${text}</code>`;
}

function showTables() {
  const connection = carrier(choice.connection, choice.modality);
  const here = (row) => row.at(-1).split(" ").includes(connection);
  const messages = (label, list) => table(label, ["Message", "Meaning"], list.filter(here).map(([message, meaning]) => [example(message), meaning]));
  const hasCodes = connection === "websocket";
  const refusals = REFUSALS.filter(here).map(([name, status, close, when]) => [`<code>${name.replaceAll("_", "_<wbr>")}</code>`, status, ...(hasCodes ? [close] : []), when]);
  const shown = {
    "to-server": messages("Messages of the client", TO_SERVER),
    "to-client": messages("Messages of the server", TO_CLIENT),
    refusals: table("Refusals", ["<code>error</code>", "Status", ...(hasCodes ? ["Close code"] : []), "When"], refusals),
  };
  for (const place of all("[data-table]")) place.innerHTML = shown[place.dataset.table];
}

function show() {
  for (const [name, value] of Object.entries(choice)) {
    const input = $(`input[name="${name}"][value="${value}"]`);
    if (input) input.checked = true;
  }
  for (const tab of all("[role=tab]")) {
    const isSelected = tab.dataset.style === choice.style;
    tab.setAttribute("aria-selected", isSelected);
    tab.tabIndex = isSelected ? 0 : -1;
    if (isSelected) $("#sample-panel").setAttribute("aria-labelledby", tab.id);
  }
  for (const part of all("[data-for]")) part.hidden = !isShown(part.dataset.for);
  showTables();
  showCode();
  for (const link of all('a[href^="#"]:not(.skip)')) {
    const { place } = parse(link.hash);
    if (place) link.hash = fragment(place);
  }
}

function choose(changes) {
  Object.assign(choice, changes);
  history.replaceState(null, "", fragment());
  show();
}

/** Follow the URL: its choice, and its place when there is one. */
function follow() {
  const { named, place } = parse(location.hash);
  Object.assign(choice, named);
  show();
  if (!place) return;
  const section = document.getElementById(place);
  section.scrollIntoView();
  section.focus({ preventScroll: true }); // the next Tab goes on from there
}

/** What the stream serves is chosen where the URL says nothing, and told. */
async function ask() {
  const response = await fetch("about.json").catch(() => null);
  const { modality, mode } = response?.ok ? await response.json() : {};
  if (!MODALITIES.includes(modality) || !MODES.includes(mode)) return;
  $("#served").textContent = `This server's stream: ${KINDS[modality]}, ${WAYS[mode]}.`;
  Object.assign(choice, { modality, mode, ...parse(location.hash).named });
  show();
}

async function copy(button, block) {
  const text = code(block.dataset.code);
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no secure origin, or refused: by the selection instead
    getSelection().selectAllChildren(block);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
}

function addCopyButtons() {
  for (const block of all("pre[data-code]")) {
    const frame = Object.assign(document.createElement("div"), { className: "code" });
    const title = block.closest("section").querySelector("h2").textContent;
    block.replaceWith(frame);
    block.tabIndex = 0; // long lines are scrolled by keyboard
    block.setAttribute("role", "group");
    block.setAttribute("aria-label", `Code: ${title}`);
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => copy(button, block));
    frame.append(button, block);
  }
}

function turnTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = all("[role=tab]");
  const next = tabs.at((tabs.indexOf(event.target) + step) % tabs.length);
  next.focus();
  choose({ style: next.dataset.style });
}

$("#choices").addEventListener("change", ({ target }) => choose({ [target.name]: target.value }));
for (const tab of all("[role=tab]")) tab.addEventListener("click", () => choose({ style: tab.dataset.style }));
$(".tabs").addEventListener("keydown", turnTab);
addEventListener("hashchange", follow);
addEventListener("click", ({ target }) => target.closest("a")?.hash === location.hash && follow()); // once more to the same place
addCopyButtons();
follow();
ask();
