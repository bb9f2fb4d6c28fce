// The same request in other people's words: an `<img>` tag, a `srcset`, the options object of a Worker.

import { transformPath, withOptions, type Options } from "./grammar";

/** Widths offered in a `srcset`, in pixels. */
const WIDTHS = [320, 640, 960, 1280, 1920, 2560];

/** Options that only exist in a URL. */
const URL_ONLY = new Set(["onerror", "slow-connection-quality", "wbreakpoints", "wmobile", "wdesktop"]);

/** Options whose values are numbers in the object. */
const NUMBERS =
  /^(width|height|dpr|zoom|rotate|brightness|contrast|gamma|saturation|sharpen|blur|quality|trim\..*(top|right|bottom|left|width|height|tolerance|keep)|border\.(width|top|right|bottom|left)|(top|right|bottom|left|opacity|size))$/;

function attribute(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
}

/** An `<img>` tag with its size, so that the page does not jump. */
export function imgTag(url: string, size: { width: number; height: number } | undefined, dpr: number): string {
  const dimensions = size ? ` width="${Math.round(size.width / dpr)}" height="${Math.round(size.height / dpr)}"` : "";
  return `<img src="${attribute(url)}"${dimensions} alt="" loading="lazy" decoding="async">`;
}

/** An `<img>` tag for every screen: the same picture at several widths, never wider than the source. */
export function srcset(options: Options, source: string, origin: string, sourceWidth: number | undefined): string {
  const asked = Number(options.width);
  const height = Number(options.height);
  const largest = sourceWidth ?? 2560;
  const widths = WIDTHS.filter((width) => width <= largest);
  if (widths.length === 0) widths.push(largest);
  const url = (width: number) => {
    const changes: Record<string, string | undefined> = { width: String(width), dpr: undefined };
    // A box keeps its shape.
    if (asked > 0 && height > 0) changes.height = String(Math.max(1, Math.round((height * width) / asked)));
    else changes.height = undefined;
    return origin + transformPath(withOptions(options, changes), source);
  };
  const set = widths.map((width) => `    ${attribute(url(width))} ${width}w`).join(",\n");
  const middle = widths[Math.floor(widths.length / 2)] ?? largest;
  return `<img\n  srcset="\n${set}"\n  sizes="100vw"\n  src="${attribute(url(middle))}"\n  alt="" loading="lazy" decoding="async">`;
}

type Json = string | number | boolean | Json[] | { [key: string]: Json };

function typed(key: string, value: string): Json {
  if (value === "true" || value === "false") return value === "true";
  const plain = key.replace(/^draw\.\d+\./, "");
  // A fraction of 1 stays apart from one pixel by its spelling, which a number does not have.
  if (NUMBERS.test(plain) && /^-?\d*\.?\d+$/.test(value)) return Number(value);
  return value;
}

function put(target: { [key: string]: Json }, path: readonly string[], value: Json): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const child = target[head];
  const next = typeof child === "object" && !Array.isArray(child) ? child : {};
  target[head] = next;
  put(next, rest, value);
}

/** The members of `cf.image` for these options, and the names of those that an object cannot say. */
export function cfImage(options: Options): { object: { [key: string]: Json }; left: string[] } {
  const object: { [key: string]: Json } = {};
  const left: string[] = [];
  for (const [key, value] of Object.entries(options)) {
    if (URL_ONLY.has(key) || (key === "width" && value === "auto")) {
      left.push(key);
      continue;
    }
    const point = /^(\d*\.?\d+)x(\d*\.?\d+)$/.exec(value);
    if (/(^|\.)gravity$/.test(key) && point) {
      put(object, [...key.split("."), "x"], Number(point[1]));
      put(object, [...key.split("."), "y"], Number(point[2]));
    } else if (key === "trim") {
      if (!Object.keys(options).some((other) => other.startsWith("trim."))) object.trim = value;
      else put(object, ["trim", "border"], typeof object.trim === "object" && "border" in object.trim ? (object.trim as { border: Json }).border : true);
    } else if (key === "gravity.mode") {
      if (/x/.test(options.gravity ?? "")) put(object, ["gravity", "mode"], value);
    } else if (key.startsWith("trim.border.") && object.trim !== undefined && typeof object.trim === "object" && (object.trim as { border?: Json }).border === true) {
      put(object, ["trim", "border"], {});
      put(object, key.split("."), typed(key, value));
    } else {
      put(object, key.split("."), typed(key, value));
    }
  }
  if (typeof object.draw === "object" && !Array.isArray(object.draw)) object.draw = Object.values(object.draw);
  return { object, left };
}

/** A Worker that asks for the same picture. */
export function workerSnippet(options: Options, source: string, origin: string): string {
  const { object } = cfImage(options);
  const url = source.startsWith("/") ? origin + source : source;
  return `fetch(${JSON.stringify(url)}, ${JSON.stringify({ cf: { image: object } }, null, 2)})`;
}
