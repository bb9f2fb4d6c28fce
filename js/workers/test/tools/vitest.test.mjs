// Vitest inside the runtime, with each of the two packages that do it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { BINARY, temporaryDirectory } from "../support/calotype.mjs";
import { picture } from "../support/sample.mjs";

const require = createRequire(import.meta.url);
const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
const root = join(dirname(fileURLToPath(import.meta.url)), "vitest");

for (const pool of ["@cloudflare/vitest-plugin", "@cloudflare/vitest-pool-workers"]) {
  test(`${pool}: a user's test transforms a picture`, async (t) => {
    const child = spawn(process.execPath, [vitest, "run", "--root", root, "--no-cache"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        NO_COLOR: "1",
        CALOTYPE_BINDING_SOCKET: "",
        TMPDIR: temporaryDirectory(t),
        TEST_POOL: pool,
        TEST_BINARY: BINARY,
        TEST_PICTURE: picture.toString("base64"),
      },
    });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    await once(child, "close");
    assert.equal(child.exitCode, 0, output);
    assert.match(output, /Tests +1 passed/, output);
  });
}
