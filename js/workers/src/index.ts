export type * from "./binding.js";
export { type CapnpOptions, type CapnpProcess, capnp, type Topology } from "./capnp.js";
export { localImages, miniflareEnv, miniflareImages, type UnsafeBinding } from "./node/configuration.js";
export type { LocalOptions } from "./node/options.js";
export { plugins } from "./node/plugin.js";
export { findOrStart as calotype, type LocalCalotype } from "./node/service.js";
