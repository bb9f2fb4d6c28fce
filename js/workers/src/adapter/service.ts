import { ImagesError } from "./errors.js";

/** What this Worker is bound to. */
export interface AdapterEnv {
  /** Calotype's socket for the binding. */
  BACKEND: Fetcher;
  /** Whose images; `local` is the account that a server has by itself. */
  ACCOUNT?: string;
  /** Token for the REST calls. Empty: none is sent, and the socket's file mode is the guard. */
  TOKEN?: string;
}

/** The host of every request. The service looks at the path alone. */
const ORIGIN = "http://calotype";

/** Requests to Calotype's REST interface, and its answers as values and errors. */
export class Service {
  readonly #env: AdapterEnv;
  readonly #account: string;

  constructor(env: AdapterEnv) {
    this.#env = env;
    this.#account = env.ACCOUNT || "local";
  }

  get account(): string {
    return this.#account;
  }

  /** Sends a request below `…/accounts/{account}/images/`. `path` is encoded already. */
  images(path: string, init?: RequestInit): Promise<Response> {
    return this.send(`/client/v4/accounts/${encodeURIComponent(this.#account)}/images/${path}`, init);
  }

  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#env.TOKEN) headers.set("authorization", `Bearer ${this.#env.TOKEN}`);
    try {
      return await this.#env.BACKEND.fetch(`${ORIGIN}${path}`, { ...init, headers, redirect: "manual" });
    } catch {
      // The runtime's own words name a lost connection or an internal reference, and nobody's socket.
      throw new ImagesError(9502, "the image service cannot be reached; is Calotype running?");
    }
  }
}

interface Envelope {
  success?: boolean;
  result?: unknown;
  errors?: { code?: unknown; message?: unknown }[];
}

/** The `result` of an answer. Throws what the service refused with. */
export async function result<T>(response: Response): Promise<T> {
  const envelope = await readEnvelope(response);
  if (!response.ok || envelope?.success === false || envelope?.result === undefined) throw refusal(response, envelope);
  return envelope.result as T;
}

/** Like `result`, but `undefined` for an image that is not there. */
export async function resultIfFound<T>(response: Response): Promise<T | undefined> {
  if (response.ok) return result<T>(response);
  const error = await errorOf(response);
  if (isNotFound(response, error)) return undefined;
  throw error;
}

/** What an answer that is no success was refused with. */
export async function errorOf(response: Response): Promise<ImagesError> {
  return refusal(response, await readEnvelope(response));
}

/** Whether an image is not there: a 404 of another kind (a route that is unknown) is an error like any. */
export function isNotFound(response: Response, error: ImagesError): boolean {
  return response.status === 404 && error.code === NOT_FOUND;
}

const NOT_FOUND = 5404;

async function readEnvelope(response: Response): Promise<Envelope | undefined> {
  try {
    const value: unknown = JSON.parse(await response.text());
    return typeof value === "object" && value !== null ? (value as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

function refusal(response: Response, envelope: Envelope | undefined): ImagesError {
  const first = Array.isArray(envelope?.errors) ? envelope.errors[0] : undefined;
  if (typeof first?.code === "number" && typeof first.message === "string") return new ImagesError(first.code, first.message);
  return new ImagesError(5500, `unexpected answer of the image service, status ${response.status}`);
}
