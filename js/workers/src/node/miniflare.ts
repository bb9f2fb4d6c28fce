import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** What we need of a copy of Miniflare. */
export interface MiniflareCopy {
  /** What it takes for "make a proxy of this binding"; it knows its own class alone. */
  ProxyNodeBinding?: new () => unknown;
  /** The newest compatibility date of the runtime it starts. */
  compatibilityDate?: string;
}

/**
 * The copy of Miniflare that is calling: several in one process are normal, and what one exports means nothing to another. It is found as the nearest module on
 * the call stack that has what we need. To be asked before the first `await`.
 */
export function callingMiniflare(): MiniflareCopy {
  for (const file of callStack()) {
    const require = createRequire(file);
    const exports: unknown = require.cache[file]?.exports;
    if (typeof exports !== "object" || exports === null || !("ProxyNodeBinding" in exports)) continue;
    const { ProxyNodeBinding } = exports as MiniflareCopy;
    return { ProxyNodeBinding, compatibilityDate: runtimeDate(require) };
  }
  return {};
}

function runtimeDate(require: NodeJS.Require): string | undefined {
  // Another program in its place: nothing is known of it.
  if (process.env.MINIFLARE_WORKERD_PATH) return undefined;
  try {
    const { compatibilityDate } = require("workerd") as { compatibilityDate?: unknown };
    return typeof compatibilityDate === "string" ? compatibilityDate : undefined;
  } catch {
    return undefined;
  }
}

/** Files on the call stack, nearest first. Raw, since tools replace the text of a stack by the sources that modules were made of. */
function callStack(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 50;
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName());
    const files = new Error().stack as unknown as (string | null | undefined)[];
    return files.flatMap((file) => {
      if (file?.startsWith("file:")) return [fileURLToPath(file)];
      return file?.startsWith("/") ? [file] : [];
    });
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}
