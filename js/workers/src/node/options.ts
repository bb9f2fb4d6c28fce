/** Where Calotype is, or how to start one. All of it is plain JSON, since it may stand in a `wrangler.jsonc`. */
export interface LocalOptions {
  /** Path of a running service's socket (`calotype serve --binding-socket PATH`). Otherwise `CALOTYPE_BINDING_SOCKET`, otherwise a service is started. */
  socket?: string;
  /** The program to start. Otherwise `CALOTYPE_BIN`, otherwise `calotype` on the `PATH`. */
  binary?: string;
  /** Directory where a service that is started keeps hosted images. Without it they are gone when it ends. */
  data?: string;
  /** Further arguments of `calotype serve`, for example `["--listen", "127.0.0.1:8080"]`. */
  arguments?: string[];
  /** Whose images; `local` is the account that a server has by itself. */
  account?: string;
  /** Token for calls on hosted images, where the service asks for one. */
  token?: string;
}

const TEXTS = ["socket", "binary", "data", "account", "token"] as const;

/** Reads options from outside. Throws a `TypeError` that says which is wrong. */
export function parseOptions(value: unknown): LocalOptions {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new TypeError("@calotype/workers: the options have to be an object");
  const options: LocalOptions = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const text = TEXTS.find((name) => name === key);
    if (text) {
      if (typeof member !== "string" || member === "") throw new TypeError(`@calotype/workers: the option '${key}' has to be a text`);
      options[text] = member;
    } else if (key === "arguments") {
      if (!Array.isArray(member) || member.some((each) => typeof each !== "string")) {
        throw new TypeError("@calotype/workers: the option 'arguments' has to be a list of texts");
      }
      options.arguments = member as string[];
    } else {
      throw new TypeError(`@calotype/workers: unknown option '${key}'; there are ${[...TEXTS, "arguments"].join(", ")}`);
    }
  }
  return options;
}
