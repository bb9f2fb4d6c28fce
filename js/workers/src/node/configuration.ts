import { fileURLToPath } from "node:url";
import { type LocalOptions, parseOptions } from "./options.js";
import { PLUGIN_NAME } from "./plugin.js";

/**
 * Where the plugin is, for a tool's configuration. The path, and not the name of the package: Miniflare looks names up from its own place, which fails where
 * packages are not hoisted.
 */
const plugin = { package: fileURLToPath(new URL("../index.js", import.meta.url)), name: PLUGIN_NAME };

/** An entry of `unsafeBindings`, as Miniflare 4 and Vitest's `miniflare` option take it. */
export interface UnsafeBinding {
  name: string;
  type: "images";
  plugin: { package: string; name: string };
  options: Record<string, string | string[]>;
}

/**
 * For Miniflare 4 and Vitest: `new Miniflare({ …, ...miniflareImages("IMAGES") })`, and `cloudflareTest({ miniflare: miniflareImages("IMAGES") })`.
 */
export function miniflareImages(name = "IMAGES", options: LocalOptions = {}): { unsafeBindings: UnsafeBinding[] } {
  return { unsafeBindings: [{ name, type: "images", plugin, options: plain(options) }] };
}

/** For Miniflare 5: `config: { …, env: { ...miniflareEnv("IMAGES") } }`. */
export function miniflareEnv(name = "IMAGES", options: LocalOptions = {}) {
  return { [name]: { type: "unsafe:images" as const, dev: { plugin, options: plain(options) } } };
}

/** What of Wrangler's configuration is touched. */
interface WranglerConfig {
  images?: { binding: string } | undefined;
  unsafe?: { bindings?: unknown[] | undefined } | undefined;
}

/**
 * For the Vite plugin: `cloudflare(command === "serve" ? { config: localImages() } : {})`. Puts our binding in the place of the one under `images`, or adds one named
 * `binding`. The file stays as it is, and so does what is deployed.
 */
export function localImages({ binding, ...options }: LocalOptions & { binding?: string } = {}): (config: WranglerConfig) => void {
  const checked = plain(options);
  return (config) => {
    const name = binding ?? config.images?.binding ?? "IMAGES";
    // One name in two places is refused.
    if (config.images?.binding === name) config.images = undefined;
    const others = config.unsafe?.bindings ?? [];
    config.unsafe = { ...config.unsafe, bindings: [...others, { name, type: "images", dev: { plugin, options: checked } }] };
  };
}

/** Checked, and without members that are `undefined`, which no configuration can hold. */
function plain(options: LocalOptions): Record<string, string | string[]> {
  return { ...(parseOptions(options) as Record<string, string | string[]>) };
}
