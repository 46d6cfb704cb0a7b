// The microphone, camera and speaker of a call, changed also while it runs.

import { devices } from "../client.js";
import { $, make } from "./dom.js";

const KINDS = { microphone: "microphones", camera: "cameras", speaker: "speakers" };
const CHANGES = { microphone: "useMicrophone", camera: "useCamera", speaker: "useSpeaker" };
const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

/** What has been chosen of those that the call uses, as `connect` takes it. */
export function chosenDevices(choices) {
  const used = Object.keys(KINDS).filter((name) => uses(name, choices) && $(name).value);
  return Object.fromEntries(used.map((name) => [name, $(name).value]));
}

function uses(name, { mode, modality }) {
  if (name === "speaker") return mode !== "send" && modality !== "video" && canChooseSpeaker;
  return mode !== "receive" && modality !== (name === "camera" ? "audio" : "video");
}

/** Show the devices that the chosen call uses. */
export function arrangeDevices(choices) {
  for (const name of Object.keys(KINDS)) $(`${name}-label`).hidden = !uses(name, choices);
}

/** List what there is; browsers tell names once a device has been allowed. */
export async function listDevices() {
  const found = await devices().catch(() => null); // without a secure origin there are none
  for (const [name, kind] of Object.entries(KINDS)) {
    const before = $(name).value;
    const options = (found?.[kind] ?? []).map(({ id, label }) => make("option", { value: id, textContent: label }));
    $(name).replaceChildren($(name).options[0], ...options);
    const isThere = options.some(({ value }) => value === before);
    $(name).value = isThere ? before : "";
    if (before && !isThere) $(name).dispatchEvent(new Event("change", { bubbles: true })); // the code has it too
  }
}

/** Have a running call, if `running` gives one, go on with another device; `say` tells what went wrong. */
export function watchDevices(running, say) {
  navigator.mediaDevices?.addEventListener("devicechange", listDevices);
  for (const [name, change] of Object.entries(CHANGES)) {
    $(name).addEventListener("change", async () => {
      const { value } = $(name);
      // The browser's own choice is made with the next call.
      if (value) await running()?.[change](value).catch(({ text, message }) => say(text ?? message));
    });
  }
}
