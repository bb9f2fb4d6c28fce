// The command, as it is run; what it prints is read by workerd itself.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { capnp } from "../dist/index.js";
import { temporaryDirectory } from "./support/calotype.mjs";
import { runtime } from "./support/workerd.mjs";

const { bin } = createRequire(import.meta.url)("../package.json");
const command = fileURLToPath(new URL(`../${bin["calotype-workers"]}`, import.meta.url));

function run(...arguments_) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...arguments_], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("every configuration it prints is one that workerd reads", (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "worker.mjs"), "export default {}");
  for (const name of ["adapter", "outbound"]) writeFileSync(join(directory, `${name}.mjs`), run(name).stdout);
  const socket = "/run/it's \"quoted\" \\ und größer.sock";
  const rpc = ["--rpc-socket", "/run/rpc.sock"];
  for (const arguments_ of [
    ["--topology", "A"],
    [],
    ["--topology", "b", "--account", "9f2c51d84be04a17a3d60e7785c1b2aa", "--token", 'a"b\n', "--no-error-codes"],
    ["--outbound-socket", "/run/out.sock", "--binding", "PICTURES", "--listen", "0.0.0.0:80", "--compatibility-date", "2025-04-01"],
    ["--topology", "C", ...rpc],
    ["--topology", "C", ...rpc, "--process", "adapter"],
  ]) {
    const { status, stdout, stderr } = run("capnp", "--socket", socket, ...arguments_);
    assert.equal(status, 0, stderr);
    const file = join(directory, "config.capnp");
    writeFileSync(file, stdout);
    // It compiles the configuration and does not start it.
    const compiled = spawnSync(runtime, ["compile", "--config-only", file]);
    assert.equal(compiled.status, 0, `${arguments_} ${compiled.stderr}\n${stdout}`);
    if (!arguments_.includes("user") && !stdout.includes("capnpConnectHost")) assert.ok(compiled.stdout.includes(`unix:${socket}`), stdout);
  }
});

test("what is wrong on its command line is said, and what would be right", () => {
  for (const [arguments_, message] of [
    [["capnp"], /--socket is missing/],
    [["capnp", "--socket", "/s", "--topology", "D"], /A, B or C, and not 'D'/],
    [["capnp", "--socket", "/s", "--topology", "C"], /--rpc-socket is missing/],
    [["capnp", "--socket", "/s", "--process", "adapter"], /no process 'adapter'/],
    [["capnp", "--sokcet", "/s"], /--sokcet/],
    [["capn"], /no command 'capn'/],
  ]) {
    const { status, stderr, stdout } = run(...arguments_);
    assert.equal(status, 2);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
  assert.match(run("--help").stdout, /calotype-workers capnp --socket PATH/);
  assert.match(run().stdout, /^calotype-workers: /);
});

test("topology C without a place for its own socket is refused in code too", () => {
  assert.throws(() => capnp({ topology: "C", socket: "/s" }), /rpcSocket/);
});
