#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type CapnpOptions, capnp, type Topology } from "./capnp.js";

const HELP = `calotype-workers: configuration for the Workers runtime (workerd)

  calotype-workers capnp --socket PATH [options]   prints a configuration
  calotype-workers adapter                         prints adapter.mjs, which topologies B and C embed
  calotype-workers outbound                        prints outbound.mjs, which --outbound-socket embeds

Options of capnp:
  --socket PATH               Calotype's socket: calotype serve --binding-socket PATH
  --topology A|B|C            A: straight to the socket, transforms alone. B: with the adapter, hosted images too [default].
                              C: with the adapter in a runtime of its own
  --rpc-socket PATH           C: where the adapter's runtime listens. Remove an old file there first: workerd does not
  --process user|adapter      C: which of the two configurations to print [default: user]
  --outbound-socket PATH      send fetch(url, { cf: { image } }) to calotype serve --workers-outbound-socket PATH
  --binding NAME              [default: IMAGES]
  --worker FILE               module of your Worker, beside the configuration [default: worker.mjs]
  --listen ADDRESS:PORT       [default: 127.0.0.1:8787]
  --compatibility-date DATE   of your Worker [default: 2026-04-21]
  --account ID, --token TEXT  for the calls on hosted images [default: local, none]
  --no-error-codes            for a workerd from before 2026-04-21: errors of hosted images have no code there,
                              and the default date is 2025-04-01

Example:
  calotype-workers adapter > adapter.mjs
  calotype-workers capnp --socket /run/calotype/images.sock > config.capnp
  workerd serve config.capnp
`;

try {
  process.stdout.write(run(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`calotype-workers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

function run(arguments_: string[]): string {
  const [command, ...rest] = arguments_;
  switch (command) {
    case "capnp":
      return printCapnp(rest);
    case "adapter":
    case "outbound":
      return readFileSync(new URL(`./${command}.mjs`, import.meta.url), "utf8");
    case undefined:
    case "help":
    case "-h":
    case "--help":
      return HELP;
    default:
      throw new Error(`there is no command '${command}'; \`calotype-workers help\` lists them`);
  }
}

function printCapnp(arguments_: string[]): string {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: arguments_,
    options: {
      socket: text,
      topology: text,
      "rpc-socket": text,
      process: text,
      "outbound-socket": text,
      binding: text,
      worker: text,
      listen: text,
      "compatibility-date": text,
      account: text,
      token: text,
      "no-error-codes": { type: "boolean" },
    },
  });
  if (values.socket === undefined) throw new Error("--socket is missing: the path given to `calotype serve --binding-socket`");
  const topology = (values.topology ?? "B").toUpperCase();
  if (!isTopology(topology)) throw new Error(`--topology is A, B or C, and not '${values.topology}'`);
  const wanted = values.process ?? "user";
  const options: CapnpOptions = {
    topology,
    socket: values.socket,
    rpcSocket: values["rpc-socket"] ?? (topology === "C" ? missing("--rpc-socket") : undefined),
    outboundSocket: values["outbound-socket"],
    binding: values.binding,
    worker: values.worker,
    listen: values.listen,
    compatibilityDate: values["compatibility-date"],
    account: values.account,
    token: values.token,
    errorCodes: !values["no-error-codes"],
  };
  const found = capnp(options).find((process) => process.name === wanted);
  if (!found) throw new Error(`topology ${topology} has no process '${wanted}'; ${topology === "C" ? "user or adapter" : "leave --process out"}`);
  return found.config;
}

function missing(option: string): never {
  throw new Error(`${option} is missing: topology C needs the path where the adapter's runtime listens`);
}

function isTopology(value: string): value is Topology {
  return value === "A" || value === "B" || value === "C";
}
