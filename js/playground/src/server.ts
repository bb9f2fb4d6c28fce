// Everything that goes over the network.

import type { Client, ErrorNote, Size } from "./plan";

export interface Sample extends Size {
  readonly name: string;
  readonly title: string;
  readonly url: string;
}

/** What is known of the original. */
export interface Original extends Size {
  readonly bytes: number | undefined;
  readonly format: string | undefined;
  readonly frames: number | undefined;
}

/** An answer of the server that is a picture, or a text where `format=json` asked for one. */
export interface Picture {
  readonly kind: "picture" | "text";
  /** Object URL of the bytes. */
  readonly url: string;
  readonly text: string | undefined;
  readonly size: Size | undefined;
  readonly bytes: number;
  readonly format: string;
  readonly status: number;
  readonly ms: number;
  readonly warnings: readonly string[];
  readonly redirected: boolean;
  readonly cache: string | undefined;
  readonly timing: Timing | undefined;
}

/** The parts of `Cf-Resized` that are milliseconds on the server. */
export interface Timing {
  readonly queue: number;
  readonly fetch: number;
  readonly transform: number;
  readonly encode: number;
}

export type Failure = ErrorNote & { readonly ms: number };

export class RequestFailed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

const ACCEPT: Readonly<Record<Client["accepts"], string>> = {
  avif: "image/avif,image/webp,image/apng,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/*,*/*;q=0.8",
  neither: "image/png,image/*;q=0.8,*/*;q=0.5",
};

function requestHeaders(client: Client): Headers {
  const headers = new Headers({ Accept: ACCEPT[client.accepts] });
  if (client.viewportWidth !== undefined) headers.set("Viewport-Width", String(client.viewportWidth));
  if (client.slow) headers.set("Downlink", "1");
  return headers;
}

/** `ERROR 9401: message`, or whatever else stood in the body. */
export function readError(status: number, body: string): ErrorNote {
  const found = /^ERROR (\d{4}): ([\s\S]*)$/.exec(body.trim());
  if (found) return { code: Number(found[1]), status, message: (found[2] ?? "").trim() };
  const text = /^[^<]{1,300}$/.test(body.trim()) ? body.trim() : "The server gave no reason.";
  return { code: 0, status, message: text };
}

/** The texts of one or several `Warning` headers. */
export function readWarnings(header: string | null): string[] {
  return [...(header ?? "").matchAll(/\b299 "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? "").replace(/\\(.)/g, "$1"));
}

/** `internal=ok/m q=0 n=317+85 c=17+38 …`. */
export function readTiming(header: string | null): Timing | undefined {
  const q = /\bq=(\d+)/.exec(header ?? "");
  const n = /\bn=(\d+)\+(\d+)/.exec(header ?? "");
  const c = /\bc=(\d+)\+(\d+)/.exec(header ?? "");
  if (!c) return undefined;
  return {
    queue: Number(q?.[1] ?? 0),
    fetch: Number(n?.[1] ?? 0) + Number(n?.[2] ?? 0),
    transform: Number(c[1]),
    encode: Number(c[2]),
  };
}

function measure(url: string): Promise<Size> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight });
    image.onerror = () => reject(new Error("not shown"));
    image.src = url;
  });
}

async function send(path: string, init: RequestInit, started: number): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestFailed({ code: 0, status: 0, message: "The server could not be reached.", ms: performance.now() - started });
  }
}

/** Asks for a picture. Throws `RequestFailed`, or the `AbortError` of `signal`. */
export async function fetchPicture(path: string, client: Client, signal: AbortSignal): Promise<Picture> {
  const started = performance.now();
  const response = await send(path, { signal, headers: requestHeaders(client) }, started);
  const blob = await response.blob();
  const ms = performance.now() - started;
  if (!response.ok) throw new RequestFailed({ ...readError(response.status, await blob.text()), ms });
  const format = (response.headers.get("Content-Type") ?? blob.type).split(";")[0]?.trim() ?? "";
  const isPicture = format.startsWith("image/");
  const url = URL.createObjectURL(blob);
  let size: Size | undefined;
  if (isPicture) {
    try {
      size = await measure(url);
    } catch {
      URL.revokeObjectURL(url);
      const message = `The server answered with ${format}, which this browser cannot show.`;
      throw new RequestFailed({ code: 0, status: response.status, message, ms });
    }
  }
  return {
    kind: isPicture ? "picture" : "text",
    url,
    text: isPicture ? undefined : await blob.text(),
    size,
    bytes: blob.size,
    format,
    status: response.status,
    ms,
    warnings: readWarnings(response.headers.get("Warning")),
    redirected: response.redirected,
    cache: response.headers.get("Cf-Cache-Status") ?? undefined,
    timing: readTiming(response.headers.get("Cf-Resized")),
  };
}

/** Size, bytes and format of an original, by `format=json`. Throws as `fetchPicture`. */
export async function fetchOriginal(source: string, signal: AbortSignal): Promise<Original> {
  const started = performance.now();
  const slash = source.startsWith("/") ? "" : "/";
  const response = await send(`/cdn-cgi/image/format=json${slash}${source}`, { signal }, started);
  const body = await response.text();
  if (!response.ok) throw new RequestFailed({ ...readError(response.status, body), ms: performance.now() - started });
  const { original, width, height } = JSON.parse(body) as {
    width?: number;
    height?: number;
    original: { file_size?: number; width?: number; height?: number; format?: string; frames?: number };
  };
  return {
    width: original.width ?? width ?? 0,
    height: original.height ?? height ?? 0,
    bytes: original.file_size,
    format: original.format,
    frames: original.frames,
  };
}

/** The sample pictures; none where the server has none. */
export async function fetchSamples(): Promise<Sample[]> {
  const response = await fetch(`${import.meta.env.BASE_URL}samples.json`);
  return response.ok ? ((await response.json()) as Sample[]) : [];
}

/** Hands a file to the server for an hour; answers the path under which it can be transformed. */
export async function upload(file: Blob): Promise<string> {
  const started = performance.now();
  const response = await send(`${import.meta.env.BASE_URL}upload`, { method: "POST", body: file, headers: { "Content-Type": file.type || "application/octet-stream" } }, started);
  const body = await response.text();
  if (!response.ok) throw new RequestFailed({ ...readError(response.status, body), ms: performance.now() - started });
  return (JSON.parse(body) as { url: string }).url;
}
