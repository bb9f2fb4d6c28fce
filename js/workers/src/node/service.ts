import { resolve } from "node:path";
import type { LocalOptions } from "./options.js";
import { type RunningProcess, startProcess } from "./process.js";

/** A service that answers. */
export interface LocalCalotype {
  /** Its socket for the binding. */
  socket: string;
  /** Ends it, if it was started here; whoever shares it loses it too. */
  stop(): Promise<void>;
}

// The package may be loaded twice, by name and by path, and still one process is enough.
const STARTED = Symbol.for("@calotype/workers: services of this process");
type Started = Map<string, Promise<RunningProcess>>;
const started: Started = ((globalThis as Record<symbol, unknown>)[STARTED] ??= new Map()) as Started;

/** Finds a running service, or starts one: at most one for the same settings in one Node process. */
export async function findOrStart(options: LocalOptions = {}): Promise<LocalCalotype> {
  const socket = options.socket ?? (process.env.CALOTYPE_BINDING_SOCKET || undefined);
  if (socket !== undefined) return { socket: resolve(socket.replace(/^unix:/, "")), stop: async () => undefined };
  const { binary, data, arguments: more } = options;
  const key = JSON.stringify([binary, data, more]);
  let running = started.get(key);
  if (!running) {
    running = startProcess({ binary, data, arguments: more }, () => started.delete(key));
    started.set(key, running);
    // One that did not start may be tried again.
    running.catch(() => started.delete(key));
  }
  return running;
}
