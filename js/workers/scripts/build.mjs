// Makes dist/: each Worker as one module, what runs in Node as it stands, and the declarations.
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });

await build({
  absWorkingDir: root,
  entryPoints: { adapter: "src/adapter/index.ts", outbound: "src/outbound/index.ts" },
  outdir: dist,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  external: ["cloudflare:*"],
  legalComments: "none",
  banner: { js: "// @calotype/workers, MIT OR Apache-2.0" },
});

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.json"), "--declaration"], { stdio: "inherit" });
chmodSync(join(dist, "command.js"), 0o755);
