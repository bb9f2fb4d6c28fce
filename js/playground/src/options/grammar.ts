// Option segments: text to a flat map of full names and back.
//
// The map holds decoded values under dotted full names, whatever spelling they came in, so that every control has exactly one key to look at. What
// the page does not know is kept as it is: the server decides what an option means.

/** Decoded option values by full dotted name. */
export type Options = Readonly<Record<string, string>>;

const ALIASES: Readonly<Record<string, string>> = {
  w: "width",
  h: "height",
  q: "quality",
  f: "format",
  g: "gravity",
  scq: "slow-connection-quality",
  "face-zoom": "zoom",
  "gravity.zoom": "zoom",
  border: "border.width",
  "trim.color": "trim.border.color",
  "trim.color.value": "trim.border.color",
  "trim.color.tolerance": "trim.border.tolerance",
  "trim.color.keep": "trim.border.keep",
  "trim.tolerance": "trim.border.tolerance",
  "trim.keep": "trim.border.keep",
  "width.breakpoints": "wbreakpoints",
  "width.mobile": "wmobile",
  "width.desktop": "wdesktop",
};

/** The order in which options are written: that of the documentation's groups. Unknown ones follow. */
export const ORDER: readonly string[] = [
  "width",
  "height",
  "dpr",
  "fit",
  "gravity",
  "gravity.mode",
  "zoom",
  "segment",
  "trim",
  "trim.top",
  "trim.right",
  "trim.bottom",
  "trim.left",
  "trim.width",
  "trim.height",
  "trim.border.color",
  "trim.border.tolerance",
  "trim.border.keep",
  "rotate",
  "flip",
  "background",
  "brightness",
  "contrast",
  "gamma",
  "saturation",
  "sharpen",
  "blur",
  "upscale",
  "draw",
  "border.width",
  "border.top",
  "border.right",
  "border.bottom",
  "border.left",
  "border.color",
  "format",
  "quality",
  "slow-connection-quality",
  "compression",
  "metadata",
  "anim",
  "wbreakpoints",
  "wmobile",
  "wdesktop",
  "onerror",
];

function rank(key: string): number {
  const index = ORDER.indexOf(key.startsWith("draw.") ? "draw" : key);
  return index < 0 ? ORDER.length : index;
}

/** The full name of a key in any spelling. */
export function fullName(key: string): string {
  const name = key.toLowerCase();
  const draw = /^draw\.(?!\d+(\.|$))(.+)$/.exec(name);
  if (draw) return `draw.0.${draw[2]}`;
  return ALIASES[name] ?? name;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads an option segment such as `w=400,fit=cover`. Items without a key or a `=` are skipped; the last of equal keys wins. */
export function parseOptions(segment: string): Options {
  const options: Record<string, string> = {};
  for (const item of segment.split(",")) {
    const at = item.indexOf("=");
    if (at < 1) continue;
    const key = fullName(item.slice(0, at).trim());
    const value = decode(item.slice(at + 1).trim());
    if (key === "trim") readTrim(value, options);
    else if (value !== "") options[key] = value;
  }
  // A point may be written as two members.
  const { "gravity.x": x, "gravity.y": y } = options;
  if (x !== undefined && y !== undefined) {
    options.gravity = `${x}x${y}`;
    delete options["gravity.x"];
    delete options["gravity.y"];
  }
  return options;
}

function readTrim(value: string, options: Record<string, string>): void {
  if (value === "color" || value === "border") {
    options.trim = "border";
    return;
  }
  const parts = value.split(";");
  const [top, right = top, bottom = top, left = right] = parts;
  if (parts.length === 3 || parts.length > 4) {
    options.trim = value;
    return;
  }
  for (const [side, text] of [["top", top], ["right", right], ["bottom", bottom], ["left", left]] as const) {
    if (text) options[`trim.${side}`] = text;
  }
}

/** Percent-encodes what must not stand raw in a value: separators of the grammar and of URLs, and everything that is not visible ASCII. */
export function encodeValue(value: string): string {
  return value.replace(/[%,/?#\s"<>\\^`{|}]|[^\x21-\x7e]/gu, (c) => encodeURIComponent(c));
}

/** Writes an option segment, in a fixed order. */
export function printOptions(options: Options): string {
  return Object.entries(options)
    .filter(([, value]) => value !== "")
    .map(([key, value], index) => ({ key, value, index }))
    .sort((a, b) => rank(a.key) - rank(b.key) || a.index - b.index)
    .map(({ key, value }) => `${key}=${encodeValue(value)}`)
    .join(",");
}

/** The same options with some set and, where the value is empty or absent, removed. */
export function withOptions(options: Options, changes: Readonly<Record<string, string | undefined>>): Options {
  const next: Record<string, string> = { ...options };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === "") delete next[key];
    else next[key] = value;
  }
  return next;
}

/** The path of a transform; without options, of the original. */
export function transformPath(options: Options, source: string): string {
  const segment = printOptions(options);
  if (segment === "") return source;
  return `/cdn-cgi/image/${segment}${source.startsWith("/") ? "" : "/"}${source}`;
}

/** What stands behind `#` in the page's address: option segment and source, written like the URL itself. */
export function printState(options: Options, source: string): string {
  return `${printOptions(options)}${source.startsWith("/") ? "" : "/"}${source}`;
}

/** Reads what stands behind `#`. `undefined` if there is no source. */
export function parseState(hash: string): { options: Options; source: string } | undefined {
  const text = hash.replace(/^#/, "");
  const slash = text.indexOf("/");
  if (slash < 0 || slash === text.length - 1) return undefined;
  const rest = text.slice(slash + 1);
  const source = /^https?:\/\//i.test(rest) ? rest : `/${rest}`;
  return { options: parseOptions(text.slice(0, slash)), source };
}
