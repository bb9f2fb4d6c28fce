// `wrangler dev`, as people run it: a configuration file, a command, a port.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { getPlatformProxy } from "wrangler";
import { calotype } from "../../dist/index.js";
import { atEnd, BINARY, temporaryDirectory } from "../support/calotype.mjs";
import { picture, read, TURNED, worker } from "../support/sample.mjs";
import { call } from "../support/workerd.mjs";

const require = createRequire(import.meta.url);
const wrangler = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");

test("wrangler dev transforms with a service it started, and leaves none behind", async (t) => {
  const directory = temporaryDirectory(t);
  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  writeFileSync(join(directory, "worker.mjs"), worker);
  writeFileSync(
    join(directory, "wrangler.json"),
    JSON.stringify({
      name: "shop",
      main: "worker.mjs",
      compatibility_date: "2026-07-01",
      images: { binding: "IMAGES" },
      env: {
        dev: {
          unsafe: {
            bindings: [{ name: "IMAGES", type: "images", dev: { plugin: { package: "@calotype/workers", name: "calotype-images" }, options: { binary: BINARY } } }],
          },
        },
      },
    }),
  );
  const child = spawn(process.execPath, [wrangler, "dev", "-e", "dev", "--port", "0", "--ip", "127.0.0.1", "--show-interactive-dev-session=false"], {
    cwd: directory,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CI: "1", TMPDIR: temporary, CALOTYPE_BINDING_SOCKET: "", WRANGLER_SEND_METRICS: "false", WRANGLER_SEND_ERROR_REPORTS: "false", NO_COLOR: "1" },
  });
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));
  atEnd(t, () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // it has ended
    }
  });
  let url;
  for (const deadline = Date.now() + 60_000; ; await wait(50)) {
    url = /Ready on (http:\S+)/.exec(output)?.[1];
    if (url) break;
    assert.ok(child.exitCode === null && Date.now() < deadline, output);
  }
  const turned = await call(`${url}/?case=turned`, picture);
  assert.deepEqual(read(turned.bytes), TURNED);
  const ours = () => readdirSync(temporary).filter((name) => name.startsWith("calotype-"));
  assert.equal(ours().length, 1);

  process.kill(-child.pid, "SIGINT");
  for (const deadline = Date.now() + 20_000; ours().length > 0; await wait(20)) assert.ok(Date.now() < deadline, output);
});

test("getPlatformProxy gives Node the same binding", async (t) => {
  const options = { binary: BINARY };
  const directory = temporaryDirectory(t);
  const configPath = join(directory, "wrangler.json");
  const binding = { name: "IMAGES", type: "images", dev: { plugin: { package: "@calotype/workers", name: "calotype-images" }, options } };
  writeFileSync(configPath, JSON.stringify({ name: "shop", compatibility_date: "2026-07-01", unsafe: { bindings: [binding] } }));
  atEnd(t, async () => (await calotype(options)).stop());
  const proxy = await getPlatformProxy({ configPath, persist: false });
  atEnd(t, () => proxy.dispose());
  const info = await proxy.env.IMAGES.info(new Blob([picture]).stream());
  assert.deepEqual(info, { format: "image/png", fileSize: picture.length, width: 2, height: 2 });
});
