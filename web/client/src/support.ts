import type { Transport } from "./options";

/** What keeps calls from working on this page, or those of one transport, as a sentence, or null. */
export function obstacle(transport?: Transport): string | null {
  if (transport === "webrtc" && !globalThis.RTCPeerConnection) return "This browser has no WebRTC.";
  if (!globalThis.isSecureContext || !navigator.mediaDevices) {
    return (
      "This page is not on a secure origin, so the browser gives it no microphone and no audio. " +
      "Open it over https, or on the server's own machine as http://127.0.0.1."
    );
  }
  return globalThis.AudioWorkletNode ? null : "This browser has no AudioWorklet, which calls need.";
}
