// What can be chosen: the stream says what it serves, the transports what they carry.

import { MODALITIES, obstacle } from "../client.js";
import { $ } from "./dom.js";

const NAMES = ["transport", "modality", "mode"];
const WORDS = { audio: "sound", video: "pictures", "audio-video": "sound and pictures" };
const TRANSPORTS = { webrtc: "WebRTC", websocket: "WebSocket", http: "HTTP" };

/** Why a choice cannot be made, given the others and what is served; or null. */
const OBJECTIONS = {
  transport(transport, { modality, transports }) {
    if (modality && !MODALITIES[transport].includes(modality)) {
      return `WebSocket and HTTP carry sound alone, this stream serves ${WORDS[modality]}.`;
    }
    if (transports && !transports.includes(transport)) return `This server takes no calls over ${TRANSPORTS[transport]}.`;
    return obstacle() ? null : obstacle(transport); // what hinders every call is said once, above
  },
  modality(modality, about, { transport }) {
    if (about.modality && about.modality !== "audio-video" && about.modality !== modality) {
      return `This stream serves ${WORDS[about.modality]} only.`;
    }
    return MODALITIES[transport].includes(modality) ? null : "WebSocket and HTTP carry sound only.";
  },
  mode(mode, about) {
    if (!about.mode || about.mode === "send-receive" || about.mode === mode) return null;
    return about.mode === "send" ? "This stream only takes, it sends nothing." : "This stream only sends, it takes nothing.";
  },
};

/** The chosen transport, modality and mode. */
export function choices() {
  return Object.fromEntries(NAMES.map((name) => [name, $("form").elements[name].value]));
}

/** Begin with all that the stream serves. */
export function chooseServed(about) {
  for (const radio of [...$("modality").elements, ...$("mode").elements]) {
    if (radio.value === about.modality || radio.value === about.mode) radio.checked = true;
  }
}

/** Leave open what can be chosen, say why the rest cannot, and move a choice that fell away. Returns whether
 * a call can be made. */
export function offerChoices(about) {
  const reasons = new Set();
  for (const name of NAMES) {
    const radios = [...$(name).elements];
    for (const radio of radios) {
      const reason = OBJECTIONS[name](radio.value, about, choices());
      radio.disabled = reason !== null;
      if (reason) reasons.add(reason);
    }
    if (radios.find((radio) => radio.checked).disabled) {
      const free = radios.find((radio) => !radio.disabled);
      if (free) free.checked = true;
    }
  }
  $("why").textContent = [...reasons].join(" ");
  $("why").hidden = !reasons.size;
  const isPossible = NAMES.every((name) => [...$(name).elements].some(({ checked, disabled }) => checked && !disabled));
  return isPossible && !obstacle();
}

/** While a call runs its choices stand. */
export function lockChoices(isLocked) {
  for (const name of NAMES) $(name).disabled = isLocked;
}
