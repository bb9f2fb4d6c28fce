// Runs the tests. What they need and is not there is an error where CI=true, and elsewhere said and left out.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { get } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BINARY, startCalotype } from "../test/support/calotype.mjs";

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
let failed = run(files.filter((name) => name.endsWith(".test.mjs")));
// Once more without the double, where the service has the hosted half.
if (await servesHostedImages()) failed = run([join(root, "test", "hosted.test.mjs")], { CALOTYPE_TEST_HOSTED: "real" }) || failed;
else {
  console.log("@calotype/workers: left out, since this calotype serves no hosted images: the hosted half without a double");
  failed ||= process.env.CI === "true";
}
process.exit(failed ? 1 : 0);

function run(files, environment = {}) {
  const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  return status !== 0;
}

async function servesHostedImages() {
  let end;
  const { socket } = await startCalotype({ after: (run) => (end = run) });
  const status = await new Promise((resolve, reject) => {
    get({ socketPath: socket, path: "/client/v4/accounts/local/images/v2" }, (response) => resolve((response.resume(), response.statusCode))).on("error", reject);
  });
  await end();
  return status === 200;
}
