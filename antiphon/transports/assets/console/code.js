// The code that makes the call that is selected.

import { $ } from "./dom.js";

/** What a page needs for this call, whole. */
export function snippet({ transport, modality, mode, microphone, camera, speaker }, base) {
  const options = {
    url: base,
    transport,
    modality,
    mode,
    ...(microphone && { microphone }),
    ...(camera && { camera }),
    ...(speaker && { speaker }),
  };
  const hasPictures = modality !== "audio";
  const lines = [
    '<script type="module">',
    `import { connect } from ${JSON.stringify(new URL("client.js", base).href)};`,
    "",
    "const call = connect({",
    ...Object.entries(options).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`),
    "  onState: (state) => console.log(state),",
    "  onMessage: (message) => console.log(message),",
    ...(hasPictures ? PICTURES : []),
    "});",
    "// hang up: call.stop()",
    "const { cause, text } = await call.ended;",
    "console.log(cause, text);",
    "</script>",
  ];
  return lines.join("\n");
}

const PICTURES = [
  "  onPictures: ({ direction, stream }) => {",
  '    const video = document.createElement("video");',
  "    Object.assign(video, { srcObject: stream, autoplay: true, muted: true });",
  "    document.body.append(video);",
  "  },",
];

export function showCode(selection) {
  const base = new URL(".", document.baseURI).href;
  $("code").textContent = snippet(selection, base);
  const { transport, modality, mode } = selection;
  $("plain").href = `docs#${new URLSearchParams({ connection: transport, modality, mode })}`;
}

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("code").textContent);
    $("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("code")); // without a secure origin there is no clipboard
    $("copy").textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => ($("copy").textContent = "Copy"), 2000);
});
