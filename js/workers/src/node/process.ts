import { type ChildProcessByStdio, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

export interface ProcessSettings {
  binary?: string;
  data?: string;
  arguments?: string[];
}

export interface RunningProcess {
  socket: string;
  stop(): Promise<void>;
}

/** Settings that the environment or `arguments` may change. Fonts and overlays may come from any public host, as what a Worker fetches may. */
const DEFAULTS = { CALOTYPE_LOG: "warn", CALOTYPE_PLAYGROUND: "false", CALOTYPE_ALLOW_ORIGIN: "any" };
/** A first start may wait for a slow disk; a service that listens at all does so within a second. */
const START_TIMEOUT_MS = 30_000;
/** Lines of a log kept for the error of a start that failed. */
const LAST_LINES = 20;

/**
 * Starts `calotype serve` with a socket of its own and waits until it answers. `ended` is called when it is gone.
 *
 * It ends with this process in any case: its standard input is a pipe from here, and it stops when that ends.
 */
export async function startProcess(settings: ProcessSettings, ended: () => void): Promise<RunningProcess> {
  const binary = findBinary(settings.binary);
  // Socket paths are bounded (104 bytes on macOS), so the name is short.
  const directory = mkdtempSync(join(tmpdir(), "calotype-"));
  const socket = join(directory, "binding.sock");
  const data = settings.data === undefined ? join(directory, "data") : resolve(settings.data);
  const child = spawn(
    "/bin/sh",
    [
      // The directory goes when the service is gone, whoever ended it.
      ...["-c", '"$@"; status=$?; rm -rf "$0"; exit $status', directory, binary],
      ...["serve", "--stop-with-stdin", "--binding-socket", socket, "--data", data],
      ...(settings.arguments ?? []),
    ],
    // Its own group: Ctrl-C ends the tool, and the tool's end ends the service.
    { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { ...DEFAULTS, ...process.env, CALOTYPE_LISTEN: "127.0.0.1:0" } },
  );
  const lines = passLines(child);
  const gone = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
  });
  const over = new AbortController();
  let isExpected = true;
  void gone.then((how) => {
    over.abort();
    ended();
    if (!isExpected) process.stderr.write(`[calotype] the service is gone: ${how}; the next reload starts another\n`);
  });

  const outcome = await Promise.race([gone, answering(socket, over.signal)]);
  if (outcome !== true) {
    if (outcome === false && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    rmSync(directory, { recursive: true, force: true });
    const reason = outcome === false ? `it did not answer within ${START_TIMEOUT_MS / 1000} s` : outcome;
    throw new Error([`@calotype/workers: ${binary} could not be started: ${reason}`, ...lines].join("\n  "));
  }
  isExpected = false;
  // It must not keep a tool alive that has nothing else to do.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref?(): void }).unref?.();
  return {
    socket,
    async stop() {
      isExpected = true;
      child.ref();
      child.stdin.end();
      await gone;
    },
  };
}

/** The program: the one that was named, or the first on the `PATH`. Throws an error that says how to get one. */
export function findBinary(named: string | undefined): string {
  const wanted = named ?? (process.env.CALOTYPE_BIN || undefined);
  if (wanted !== undefined) {
    const path = resolve(wanted);
    if (isProgram(path)) return path;
    throw new Error(`@calotype/workers: ${path} is no program, and ${named === undefined ? "CALOTYPE_BIN" : "the option 'binary'"} names it`);
  }
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "calotype"))
    .find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    [
      "@calotype/workers: there is no `calotype` to start.",
      "Install it so that it is on the PATH (in a checkout of its repository: `cargo install --locked --path crates/calotype`),",
      "or name it: option `binary`, or CALOTYPE_BIN in the environment,",
      "or start one yourself, `calotype serve --binding-socket PATH`, and name its socket: option `socket`, or CALOTYPE_BINDING_SOCKET.",
    ].join("\n  "),
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function answering(socket: string, over: AbortSignal): Promise<boolean> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline && !over.aborted; await wait(20)) {
    const open = await new Promise<boolean>((resolve) => {
      const connection = connect(socket, () => {
        connection.destroy();
        resolve(true);
      });
      connection.once("error", () => resolve(false));
    });
    if (open) return true;
  }
  return false;
}

/** Passes lines of the log on, marked as whose they are; the last few are kept. */
function passLines(child: ChildProcessByStdio<Writable, Readable, Readable>): string[] {
  const last: string[] = [];
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      process.stderr.write(`[calotype] ${line}\n`);
    }
  });
  // What it announces is for people who start it by hand. Read, so that it never waits.
  child.stdout.resume();
  // A pipe that breaks belongs to a process that ended, which is heard of elsewhere.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => undefined);
  return last;
}
