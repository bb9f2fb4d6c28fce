// Runs the tests. What they need and is not there is an error where CI=true, and elsewhere said and left out.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BINARY } from "../test/support/calotype.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split(".").map(Number);
const missing = [];
if (!existsSync(BINARY)) missing.push(`${BINARY} (cargo build --workspace --bin calotype)`);
if (major < 22 || (major === 22 && minor < 12)) missing.push(`Node 22.12 or newer, for wrangler (this is ${process.versions.node}; scripts/setup.sh test)`);

if (missing.length > 0) {
  console.log(`@calotype/workers: left out, since there is no ${missing.join(", no ")}`);
  process.exit(process.env.CI === "true" ? 1 : 0);
}
const files = ["test", "test/tools"].flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)));
const result = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files.filter((name) => name.endsWith(".test.mjs"))], {
  cwd: root,
  stdio: "inherit",
});
process.exit(result.status ?? 1);
