// Builds the client into one readable ES module and its types, in each folder that it is given.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const NOTICE = "// The browser client of antiphon. Built from web/client by `make web`: change it there.\n";
// The modules whose declarations pages see, none before those that it needs.
const TYPED = ["messages", "endings", "options", "support", "devices", "audio/mulaw", "audio/resampler", "call"];

async function bundle(entry) {
  const { outputFiles } = await build({
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    write: false,
  });
  return outputFiles[0].text;
}

/** The module, with the program of the worklets in it as a text. */
async function code() {
  const worklet = await bundle("src/audio/worklet.ts");
  const literal = `\`\n${worklet.replace(/[\\`]|\$\{/g, "\\$&")}\``;
  return NOTICE + (await bundle("src/client.ts")).replace("[WORKLET]", () => `[${literal}]`);
}

/** All declarations in one file, of which those are exported that the entry exports. */
function types() {
  const folder = mkdtempSync(join(tmpdir(), "antiphon-types-"));
  try {
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
    const options = ["--declaration", "--emitDeclarationOnly", "--outDir", folder];
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", HERE, ...options], { encoding: "utf8" });
    if (status !== 0) throw new Error(stdout);
    const read = (name) => readFileSync(join(folder, `${name}.d.ts`), "utf8");
    const parts = TYPED.map((name) => plain(read(name)));
    const exported = read("client").replace(/^export (type )?\{([^}]*)\} from .*$/gm, (_, type, names) =>
      type ? names.replace(/\w+/g, "type $&") : names,
    );
    const names = exported.split(/[,\n]/).map((name) => name.trim()).filter(Boolean);
    return `${NOTICE}${parts.join("")}export { ${names.join(", ")} };\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function plain(declarations) {
  return declarations
    .replace(/^import [^;]*;\n/gm, "")
    .replace(/^export \{\};\n/gm, "")
    .replace(/^\/\/ .*\n/gm, "")
    .replace(/^export (declare )?(?=(abstract )?class|function|const)/gm, "declare ")
    .replace(/^export (?=interface|type)/gm, "");
}

const files = { "client.js": await code(), "client.d.ts": types() };
for (const folder of process.argv.slice(2)) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}
