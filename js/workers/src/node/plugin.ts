import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ADAPTER_COMPATIBILITY_DATE, ERROR_CODES_FLAG, ERROR_CODES_SINCE } from "../capnp.js";
import { callingMiniflare } from "./miniflare.js";
import { type LocalOptions, parseOptions } from "./options.js";
import { findOrStart } from "./service.js";

/** The name of our plugin in `dev.plugin.name`. */
export const PLUGIN_NAME = "calotype-images";

/** A binding of ours in the options of one Worker. */
interface OwnBinding {
  name: string;
  options: LocalOptions;
}

/**
 * The plugin, for Miniflare 4 and 5. They differ in what they hand over as `options`: version 4 the list of bindings that named this plugin (or nothing), version 5
 * the whole parsed Worker.
 */
const imagesPlugin = {
  bindingTypeDescription: "Images",
  // Miniflare 4 validates options with what stands here; ours are validated when they are read.
  options: { parse: (value: unknown) => value },

  async getBindings(options: unknown) {
    return ownBindings(options).map(({ name, options }) => ({
      name,
      wrapped: {
        moduleName: "cloudflare-internal:images-api",
        innerBindings: [{ name: "fetcher", service: { name: serviceName("adapter", options) } }],
      },
    }));
  },

  getNodeBindings(options: unknown) {
    const own = ownBindings(options);
    const { ProxyNodeBinding } = own.length > 0 ? callingMiniflare() : {};
    return ProxyNodeBinding ? Object.fromEntries(own.map(({ name }) => [name, new ProxyNodeBinding()])) : {};
  },

  async getServices({ options }: { options: unknown }) {
    const own = ownBindings(options);
    // Asked before anything is awaited: afterwards the caller is no longer on the stack.
    const knowsErrorCodes = own.length > 0 && (callingMiniflare().compatibilityDate ?? "") >= ERROR_CODES_SINCE;
    const services = await Promise.all(own.map(({ options }) => servicesFor(options, knowsErrorCodes)));
    return services.flat();
  },
};

/** What Miniflare looks for in the package that a binding names. */
export const plugins = { [PLUGIN_NAME]: imagesPlugin };

async function servicesFor(options: LocalOptions, knowsErrorCodes: boolean) {
  const { socket } = await findOrStart(options);
  const images = serviceName("socket", options);
  return [
    { name: images, external: { address: `unix:${socket}`, http: {} } },
    {
      name: serviceName("adapter", options),
      worker: {
        compatibilityDate: ADAPTER_COMPATIBILITY_DATE,
        ...(knowsErrorCodes ? { compatibilityFlags: [ERROR_CODES_FLAG] } : {}),
        modules: [{ name: "adapter.mjs", esModule: readFileSync(new URL("../adapter.mjs", import.meta.url), "utf8") }],
        bindings: [
          { name: "BACKEND", service: { name: images } },
          { name: "ACCOUNT", text: options.account ?? "local" },
          { name: "TOKEN", text: options.token ?? "" },
        ],
      },
    },
  ];
}

/** One service for equal settings, however many bindings ask for it. The name holds no secret. */
function serviceName(kind: string, options: LocalOptions): string {
  const digest = createHash("sha256").update(JSON.stringify(Object.entries(options).sort())).digest("hex");
  return `${PLUGIN_NAME}:${kind}:${digest.slice(0, 16)}`;
}

function ownBindings(options: unknown): OwnBinding[] {
  if (Array.isArray(options)) {
    return options.filter(isRecord).flatMap(({ name, options }) => (typeof name === "string" ? [{ name, options: parseOptions(options) }] : []));
  }
  const env = isRecord(options) && isRecord(options.config) ? options.config.env : undefined;
  if (!isRecord(env)) return [];
  return Object.entries(env).flatMap(([name, binding]) => {
    const dev = isRecord(binding) && isRecord(binding.dev) ? binding.dev : undefined;
    const ours = dev !== undefined && isRecord(dev.plugin) && dev.plugin.name === PLUGIN_NAME;
    return ours ? [{ name, options: parseOptions(dev.options) }] : [];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
