// The real service: the binary of this checkout.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const BINARY =
  process.env.CALOTYPE_BIN ?? join(dirname(fileURLToPath(import.meta.url)), "../../../../target/debug/calotype");

export function checkBinary() {
  if (!existsSync(BINARY)) throw new Error(`no ${BINARY}: run \`cargo build --workspace --bin calotype\`, or name the binary in CALOTYPE_BIN`);
}

const endings = new WeakMap();

/** Runs something when a test is over: what began last ends first. */
export function atEnd(t, end) {
  if (!endings.has(t)) {
    const all = [];
    endings.set(t, all);
    t.after(async () => {
      for (const each of all.reverse()) await each();
    });
  }
  endings.get(t).push(end);
}

/** A directory that is gone after the tests. */
export function temporaryDirectory(t) {
  const directory = mkdtempSync(join(tmpdir(), "calotype-test-"));
  atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts a service with a socket of its own; `{ socket, directory, log() }`. */
export async function startCalotype(t, arguments_ = [], environment = {}) {
  checkBinary();
  const directory = temporaryDirectory(t);
  const socket = join(directory, "binding.sock");
  const child = spawn(
    BINARY,
    ["serve", "--listen", "127.0.0.1:0", "--binding-socket", socket, "--data", join(directory, "data"), "--set", "log=warn", ...arguments_],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } },
  );
  let log = "";
  let announced = "";
  child.stderr.on("data", (text) => (log += text));
  child.stdout.on("data", (text) => (announced += text));
  atEnd(t, () => stop(child));
  await answering(child, socket, () => log);
  const url = () => /listening on (http:\S+)/.exec(announced)?.[1];
  while (!url() && child.exitCode === null) await wait(10);
  return { socket, directory, child, url: url(), log: () => log };
}

/** Waits until somebody listens on a Unix socket. */
export async function answering(child, socket, log) {
  for (const deadline = Date.now() + 30_000; ; await wait(20)) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) throw new Error(`nobody listens on ${socket}\n${log()}`);
    const open = await new Promise((resolve) => {
      const connection = connect(socket, () => (connection.destroy(), resolve(true)));
      connection.on("error", () => resolve(false));
    });
    if (open) return;
  }
}

/** Ends a child process and waits until it is gone. */
export async function stop(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}
