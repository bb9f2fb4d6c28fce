/** How the user's Worker reaches Calotype; docs/design/workers.md has the pictures. */
export type Topology =
  /** Straight to the socket: transforms alone. */
  | "A"
  /** Through the adapter in the same runtime: transforms and hosted images. */
  | "B"
  /** Through the adapter in a runtime of its own, which serves many others. */
  | "C";

export interface CapnpOptions {
  topology?: Topology;
  /** Calotype's socket for the binding. */
  socket: string;
  /** Where the adapter's own process listens, for topology C. */
  rpcSocket?: string;
  /** Name of the binding. */
  binding?: string;
  /** File of the user's Worker, beside the configuration. */
  worker?: string;
  /** Address and port of the user's Worker. */
  listen?: string;
  /** Of the user's Worker. */
  compatibilityDate?: string;
  account?: string;
  token?: string;
  /**
   * Keep `code` on errors of hosted images. Both ends need it: the adapter by a flag, the user's Worker by a date of 2026-04-21 or later, or the flag. A runtime
   * from before that day knows neither, and does not start with them.
   */
  errorCodes?: boolean;
  /** Calotype's socket for `fetch(url, { cf: { image } })`. Without it such requests go out as any other. */
  outboundSocket?: string;
}

/** One runtime process. */
export interface CapnpProcess {
  /** What it runs, in a word or two. */
  name: string;
  listens: "tcp" | "unix";
  config: string;
}

/** The date of our own Workers: old, because a runtime refuses one that is newer than itself. */
export const ADAPTER_COMPATIBILITY_DATE = "2025-04-01";
/** What carries `code` on errors across RPC; since this date it is known, and on by default. */
export const ERROR_CODES_FLAG = "enhanced_error_serialization";
export const ERROR_CODES_SINCE = "2026-04-21";
/** The name both ends of topology C have to agree on. */
const RPC_HOST = "images.rpc";
/** The header that carries `cf` of a request to Calotype. */
export const CF_HEADER = "cf-blob";

/**
 * Configurations of workerd, one for each process, in the order they start. They embed `adapter.mjs` and, for `outboundSocket`, `outbound.mjs`, which have to
 * lie beside them: `calotype-workers adapter` prints the one, `calotype-workers outbound` the other.
 */
export function capnp(options: CapnpOptions): CapnpProcess[] {
  const topology = options.topology ?? "B";
  const images = `(name = "images", external = (address = ${unix(options.socket)}, http = ()))`;
  if (topology === "A") return [user(options, "images", [images])];
  if (topology === "B") return [user(options, "images-adapter", [adapter(options), images])];
  if (options.rpcSocket === undefined) throw new TypeError("topology C needs rpcSocket: where the adapter's process listens");
  const rpc = `address = ${unix(options.rpcSocket)}, http = (capnpConnectHost = "${RPC_HOST}")`;
  return [
    {
      name: "adapter",
      listens: "unix",
      config: config([adapter(options), images], `(name = "rpc", ${rpc}, service = "images-adapter")`),
    },
    user(options, "images-adapter", [`(name = "images-adapter", external = (${rpc}))`]),
  ];
}

function user(options: CapnpOptions, fetcher: string, services: string[]): CapnpProcess {
  const { binding = "IMAGES", worker = "worker.mjs", listen = "127.0.0.1:8787", errorCodes = true } = options;
  const compatibilityDate = options.compatibilityDate ?? (errorCodes ? ERROR_CODES_SINCE : ADAPTER_COMPATIBILITY_DATE);
  const outbound = options.outboundSocket === undefined ? [] : outboundServices(options.outboundSocket);
  const lines = [
    `(name = "user", worker = (`,
    `      modules = [(name = "worker.mjs", esModule = embed ${text(worker)})],`,
    `      compatibilityDate = ${text(compatibilityDate)},`,
    ...(outbound.length > 0 ? [`      globalOutbound = "calotype-outbound",`] : []),
    `      bindings = [(name = ${text(binding)}, wrapped = (`,
    `        moduleName = "cloudflare-internal:images-api",`,
    `        innerBindings = [(name = "fetcher", service = "${fetcher}")]))]))`,
  ];
  const socket = `(name = "http", address = ${text(listen)}, http = (), service = "user")`;
  return { name: "user", listens: "tcp", config: config([lines.join("\n"), ...services, ...outbound], socket) };
}

function adapter({ account = "local", token = "", errorCodes = true }: CapnpOptions): string {
  return [
    `(name = "images-adapter", worker = (`,
    `      modules = [(name = "adapter.mjs", esModule = embed "adapter.mjs")],`,
    `      compatibilityDate = "${ADAPTER_COMPATIBILITY_DATE}",`,
    ...(errorCodes ? [`      compatibilityFlags = ["${ERROR_CODES_FLAG}"],`] : []),
    `      bindings = [(name = "BACKEND", service = "images"),`,
    `                  (name = "ACCOUNT", text = ${text(account)}), (name = "TOKEN", text = ${text(token)})]))`,
  ].join("\n");
}

/** Requests with `cf.image` go to Calotype, all others where they went before: to public addresses. */
function outboundServices(socket: string): string[] {
  return [
    [
      `(name = "calotype-outbound", worker = (`,
      `      modules = [(name = "outbound.mjs", esModule = embed "outbound.mjs")],`,
      `      compatibilityDate = "${ADAPTER_COMPATIBILITY_DATE}",`,
      `      bindings = [(name = "CALOTYPE", service = "cf-image")]))`,
    ].join("\n"),
    `(name = "cf-image", external = (address = ${unix(socket)}, http = (style = proxy, cfBlobHeader = "${CF_HEADER}")))`,
  ];
}

function config(services: string[], socket: string): string {
  return [
    `using Workerd = import "/workerd/workerd.capnp";`,
    ``,
    `const config :Workerd.Config = (`,
    `  services = [`,
    services.map((service) => `    ${service},\n`).join("") + `  ],`,
    `  sockets = [${socket}],`,
    `);`,
    ``,
  ].join("\n");
}

function unix(path: string): string {
  return text(`unix:${path}`);
}

/** A text of Cap'n Proto: like JSON's, but for what is not printable. */
function text(value: string): string {
  const escaped = value.replace(/["\\\u0000-\u001f\u007f]/g, (c) =>
    c === '"' || c === "\\" ? `\\${c}` : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
