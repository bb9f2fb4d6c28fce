// The real runtime, with a user's Worker made of the functions of a test.
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import workerdPath from "workerd";
import { capnp } from "../../dist/capnp.js";
import { answering, atEnd, stop, temporaryDirectory } from "./calotype.mjs";

export const runtime = process.env.WORKERD_BIN ?? workerdPath.default ?? workerdPath;

/**
 * Starts workerd in one of the topologies of our own configuration. `cases` are methods `async name(IMAGES, request, env)` that run in the user's Worker; they may
 * use nothing from around them. `run(name, body)` calls one and gives what it returned, or throws what it threw, as `{ name, code, message }`.
 */
export async function startWorkerd(t, { topology = "B", socket, cases, privateNetwork = false, ...options }) {
  const directory = temporaryDirectory(t);
  const config = capnp({ topology, socket, rpcSocket: join(directory, "rpc.sock"), worker: "user.mjs", listen: "127.0.0.1:0", ...options });
  writeFileSync(join(directory, "user.mjs"), userModule(cases));
  for (const name of ["adapter.mjs", "outbound.mjs"]) copyFileSync(new URL(`../../dist/${name}`, import.meta.url), join(directory, name));
  const children = [];
  for (const [index, text] of config.entries()) {
    const file = join(directory, `config-${index}.capnp`);
    // By itself the runtime connects to public addresses alone.
    const network = `  services = [\n    (name = "internet", network = (allow = ["public", "private"])),\n`;
    writeFileSync(file, privateNetwork ? text.config.replace("  services = [\n", network) : text.config);
    children.push(await start(t, file, text.listens === "unix" ? join(directory, "rpc.sock") : undefined));
  }
  const { port } = children.at(-1);
  return {
    children,
    log: () => children.map((child) => child.log()).join("\n"),
    run: (name, body, query = {}) => call(`http://127.0.0.1:${port}/?${new URLSearchParams({ case: name, ...query })}`, body),
    url: `http://127.0.0.1:${port}/`,
  };
}

async function start(t, file, unixSocket) {
  const child = spawn(runtime, ["serve", file, "--control-fd=3"], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  let log = "";
  let control = "";
  child.stdout.on("data", (text) => (log += text));
  child.stderr.on("data", (text) => (log += text));
  atEnd(t, () => stop(child, "SIGKILL"));
  if (unixSocket) {
    await answering(child, unixSocket, () => log);
    return { child, log: () => log };
  }
  const source = readFileSync(file, "utf8");
  const port = await new Promise((resolve, reject) => {
    child.stdio[3].on("data", (text) => {
      control += text;
      for (const line of control.split("\n").slice(0, -1)) {
        const message = JSON.parse(line);
        if (message.event === "listen" && message.port) resolve(message.port);
      }
    });
    child.once("exit", () => reject(new Error(`workerd ended:\n${log}\n${source}`)));
  });
  return { child, port, log: () => log };
}

export async function call(url, body) {
  const response = await fetch(url, { method: "POST", body, ...(body instanceof ReadableStream ? { duplex: "half" } : {}) });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status === 599) throw JSON.parse(bytes.toString());
  if (response.status === 299) return JSON.parse(bytes.toString());
  return { status: response.status, type: response.headers.get("content-type"), headers: response.headers, bytes };
}

/** A Worker that runs the function a request names. Plain values come back as 299, what was thrown as 599. */
export function userModule(cases) {
  return `const cases = {\n${Object.values(cases).join(",\n")}\n};
export default {
  async fetch(request, env) {
    try {
      const value = await cases[new URL(request.url).searchParams.get("case")](env.IMAGES, request, env);
      return value instanceof Response ? value : Response.json(value ?? null, { status: 299 });
    } catch (error) {
      return Response.json({ name: error?.name, code: error?.code, message: String(error?.message ?? error) }, { status: 599 });
    }
  },
};
`;
}
