export type * from "./binding.js";
export { type CapnpOptions, type CapnpProcess, capnp, type Topology } from "./capnp.js";
