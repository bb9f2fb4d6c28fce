// The plan crate in the browser: loaded once, beside the page. Without WebAssembly the page works and only the live geometry is missing.

import init, { describe, explain } from "./plan/plan.js";
import wasmUrl from "./plan/plan_bg.wasm?url";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Region extends Size {
  readonly left: number;
  readonly top: number;
}

export interface Step {
  readonly op: string;
  readonly before: Size;
  readonly after: Size;
  readonly cut?: Region;
  readonly scaled?: Size;
  readonly crop?: Region;
  readonly generate?: number;
}

export interface ErrorNote {
  readonly code: number;
  readonly status: number;
  readonly message: string;
}

/** What the crate says about a request; see js/plan. */
export interface Explanation {
  readonly canonical?: string;
  readonly source?: Size;
  readonly output?: Size;
  readonly steps: readonly Step[];
  readonly region?: Region;
  /** Where the picture that gravity points refer to lies on the source: `x = x[0] * u + x[1] * v + x[2]`. */
  readonly frame?: { readonly x: readonly [number, number, number]; readonly y: readonly [number, number, number] };
  readonly dependsOnPixels: readonly string[];
  readonly warnings: readonly string[];
  readonly vary: readonly string[];
  readonly cost?: { readonly decodeScale: number; readonly outputPx: number; readonly memoryPeakBytes: number };
  readonly error?: ErrorNote;
}

/** The client that the page plays. */
export interface Client {
  /** What goes into `Accept`. */
  readonly accepts: "avif" | "webp" | "neither";
  readonly viewportWidth: number | undefined;
  readonly slow: boolean;
}

export interface Explainer {
  readonly version: string;
  explain(segment: string, source: Size, format: string | undefined, client: Client): Explanation;
}

/** Loads the crate; fails where WebAssembly is missing or not allowed. */
export async function loadExplainer(): Promise<Explainer> {
  await init({ module_or_path: wasmUrl });
  const about = JSON.parse(describe()) as { version: string };
  return {
    version: about.version,
    explain(segment, source, format, client) {
      const hints = {
        viewportWidth: client.viewportWidth,
        mobile: /iPhone|Android/.test(navigator.userAgent),
        slow: client.slow,
        format: format?.replace("image/", ""),
      };
      return JSON.parse(explain(segment, "url", source.width, source.height, 1, JSON.stringify(hints))) as Explanation;
    },
  };
}
