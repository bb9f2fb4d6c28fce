// Starting, sharing and ending a service of our own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { calotype } from "../dist/index.js";
import { BINARY, checkBinary, startCalotype, temporaryDirectory } from "./support/calotype.mjs";

checkBinary();

/** What somebody who listens there answers to a request of no sense: any status will do. */
function statusOf(socketPath) {
  return new Promise((resolve, reject) => {
    request({ socketPath, method: "POST", path: "/info" }, (response) => resolve((response.resume(), response.statusCode)))
      .on("error", reject)
      .end();
  });
}

/** Runs a script that uses the package, in a Node process of its own with a temporary directory of its own. */
function script(t, text, environment = {}) {
  const directory = temporaryDirectory(t);
  const module = new URL("../dist/index.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", `import { calotype } from ${JSON.stringify(module)};\n${text}`], {
    env: { ...process.env, CALOTYPE_BINDING_SOCKET: "", CALOTYPE_BIN: BINARY, TMPDIR: directory, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (piece) => (output += piece));
  child.stderr.on("data", (piece) => (errors += piece));
  return { child, directory, output: () => output, errors: () => errors, ended: once(child, "close") };
}

/** Waits until nothing is left in a directory: the service has ended and taken its own with it. */
async function empties(directory) {
  for (const deadline = Date.now() + 20_000; readdirSync(directory).length > 0; await wait(20)) {
    assert.ok(Date.now() < deadline, `still there: ${readdirSync(directory)}`);
  }
}

test("a service is started, answers, is shared by equal settings, and ends when told", async () => {
  const options = { binary: BINARY };
  const [first, second] = await Promise.all([calotype(options), calotype({ ...options })]);
  assert.equal(first.socket, second.socket);
  assert.ok((await statusOf(first.socket)) >= 400);
  const other = await calotype({ binary: BINARY, arguments: ["--set", "quality=80"] }).catch((error) => error);
  assert.match(other.message, /could not be started: it ended with code 2[\s\S]*quality/, "what it said is in the error");
  await first.stop();
  assert.ok(!existsSync(join(first.socket, "..")), "its directory is gone");
  const third = await calotype(options);
  assert.notEqual(third.socket, first.socket);
  await third.stop();
});

test("a socket that was named is used, and nothing is started", async (t) => {
  const { socket } = await startCalotype(t);
  assert.equal((await calotype({ socket, binary: "/nonexistent" })).socket, socket);
  assert.equal((await calotype({ socket: `unix:${socket}` })).socket, socket);
  const named = script(t, "console.log((await calotype()).socket)", { CALOTYPE_BINDING_SOCKET: socket, CALOTYPE_BIN: "/nonexistent" });
  await named.ended;
  assert.equal(named.output().trim(), socket, named.errors());
});

test("a script that has nothing else to do ends, and its service with it", async (t) => {
  const { child, directory, output, errors, ended } = script(t, "console.log((await calotype()).socket)");
  await ended;
  assert.equal(child.exitCode, 0, errors());
  assert.ok(output().startsWith(directory), output());
  await empties(directory);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"]) {
  test(`a parent that ends by ${signal} leaves no service behind`, async (t) => {
    const { child, directory, output, errors, ended } = script(t, "console.log((await calotype()).socket); setInterval(() => {}, 1000)");
    while (!output().includes("\n")) {
      assert.equal(child.exitCode, null, errors());
      await wait(10);
    }
    assert.ok((await statusOf(output().trim())) >= 400);
    child.kill(signal);
    await ended;
    await empties(directory);
  });
}

test("without a program the error says how to get one", async (t) => {
  const missing = script(t, "await calotype()", { CALOTYPE_BIN: "", PATH: "/nonexistent" });
  await missing.ended;
  assert.match(missing.errors(), /there is no `calotype` to start/);
  assert.match(missing.errors(), /CALOTYPE_BIN/);
  assert.match(missing.errors(), /--binding-socket/);
  const wrong = script(t, "await calotype()", { CALOTYPE_BIN: "/nonexistent/calotype" });
  await wrong.ended;
  assert.match(wrong.errors(), /\/nonexistent\/calotype is no program, and CALOTYPE_BIN names it/);
});

test("the program is found on the PATH, and lines of its log are passed on", async (t) => {
  const bin = join(temporaryDirectory(t), "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "calotype"), `#!/bin/sh\nexec "${BINARY}" "$@"\n`, { mode: 0o755 });
  const { errors, output, ended } = script(t, "console.log((await calotype({ arguments: ['--allow-private'] })).socket)", {
    CALOTYPE_BIN: "",
    PATH: `${bin}:${process.env.PATH}`,
  });
  await ended;
  assert.ok(output().includes("binding.sock"), errors());
  assert.match(errors(), /^\[calotype\] .*--allow-private is on/m);
});

test("a service that dies is told of, and the next call starts another", async (t) => {
  const bin = join(temporaryDirectory(t), "calotype");
  writeFileSync(bin, `#!/bin/sh\necho $$ > "$PIDFILE"\nexec "${BINARY}" "$@"\n`, { mode: 0o755 });
  const pidfile = join(temporaryDirectory(t), "pid");
  const { child, output, errors, ended } = script(
    t,
    `import { readFileSync } from "node:fs";
    const first = await calotype();
    process.kill(Number(readFileSync(process.env.PIDFILE, "utf8")), "SIGKILL");
    let second = first;
    while (second.socket === first.socket) await new Promise((resolve) => setTimeout(resolve, 10)), (second = await calotype());
    console.log("another");`,
    { CALOTYPE_BIN: bin, PIDFILE: pidfile },
  );
  await ended;
  assert.equal(child.exitCode, 0, errors());
  assert.equal(output().trim(), "another");
  assert.match(errors(), /^\[calotype\] the service is gone: it ended with code 137; the next reload starts another$/m);
});

test("options that are none are refused, by name", async () => {
  for (const [options, message] of [
    [{ sokcet: "/x" }, /unknown option 'sokcet'/],
    [{ socket: 5 }, /'socket' has to be a text/],
    [{ arguments: "--listen" }, /'arguments' has to be a list/],
  ]) {
    const { miniflareImages } = await import("../dist/index.js");
    assert.throws(() => miniflareImages("IMAGES", options), message);
  }
});
