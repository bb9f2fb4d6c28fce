// Every option of the URL interface as a control: what it is called, how it is set, what its values look like.

export type GroupName = "size" | "format" | "edges" | "turn" | "light" | "detail" | "subject" | "overlay" | "delivery";

export interface Group {
  readonly name: GroupName;
  readonly title: string;
  readonly open: boolean;
}

export const GROUPS: readonly Group[] = [
  { name: "size", title: "Size", open: true },
  { name: "format", title: "Format", open: true },
  { name: "light", title: "Light & colour", open: false },
  { name: "detail", title: "Detail", open: false },
  { name: "edges", title: "Edges", open: false },
  { name: "turn", title: "Turn", open: false },
  { name: "subject", title: "Faces & subject", open: false },
  { name: "overlay", title: "Overlay", open: false },
  { name: "delivery", title: "Delivery", open: false },
];

interface Base {
  readonly key: string;
  readonly label: string;
  readonly group: GroupName;
  /** One line under the control, for what the label cannot say. */
  readonly note?: string;
  /** Values that the option takes; the tests send each through the grammar. */
  readonly examples: readonly string[];
  /** What applies when the option is absent; choosing it removes the option. */
  readonly absent?: string;
  /** Only shown while this holds. */
  readonly when?: (options: Readonly<Record<string, string>>) => boolean;
}

export interface SliderControl extends Base {
  readonly kind: "slider";
  readonly min: number;
  /** End of the track; the field beside it goes on to `max`. */
  readonly track: number;
  readonly max: number;
  readonly step: number;
  readonly absent: string;
  readonly unit?: string;
}

export interface NumberControl extends Base {
  readonly kind: "number";
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly unit?: string;
  readonly placeholder?: string;
}

export interface ChoiceControl extends Base {
  readonly kind: "choice";
  /** Value and label; the value `""` stands for the option's absence. */
  readonly choices: readonly (readonly [string, string])[];
  /** As a list to pull down instead of buttons. */
  readonly list?: boolean;
}

export interface SwitchControl extends Base {
  readonly kind: "switch";
  /** The value that stands for on; off removes the option. */
  readonly on: string;
}

export interface ColorControl extends Base {
  readonly kind: "color";
  readonly placeholder: string;
}

export interface TextControl extends Base {
  readonly kind: "text";
  readonly placeholder: string;
}

/** Drawn by a component of its own. */
export interface SpecialControl extends Base {
  readonly kind: "special";
}

export type Control = SliderControl | NumberControl | ChoiceControl | SwitchControl | ColorControl | TextControl | SpecialControl;

const hasOverlay = (options: Readonly<Record<string, string>>) => "draw.0.url" in options;
const autoWidth = (options: Readonly<Record<string, string>>) => options.width === "auto";

export const CONTROLS: readonly Control[] = [
  { key: "width", label: "Width", group: "size", kind: "special", examples: ["800", "auto"] },
  { key: "height", label: "Height", group: "size", kind: "special", examples: ["600"] },
  {
    key: "dpr",
    label: "Pixel ratio",
    group: "size",
    kind: "slider",
    min: 0.5,
    track: 2,
    max: 2,
    step: 0.25,
    absent: "1",
    unit: "×",
    examples: ["2", "1.5"],
  },
  {
    key: "fit",
    label: "Fit",
    group: "size",
    kind: "special",
    absent: "scale-down",
    examples: ["scale-down", "contain", "cover", "crop", "aspect-crop", "pad", "squeeze", "scale-up"],
  },
  {
    key: "gravity",
    label: "Gravity",
    group: "size",
    kind: "special",
    examples: ["auto", "face", "entropy", "left", "right", "top", "bottom", "center", "0.25x0.75"],
  },
  {
    key: "gravity.mode",
    label: "Reading",
    group: "size",
    kind: "special",
    examples: ["remainder", "box-center"],
  },

  {
    key: "format",
    label: "Format",
    group: "format",
    kind: "choice",
    choices: [
      ["", "As source"],
      ["auto", "Auto"],
      ["avif", "AVIF"],
      ["webp", "WebP"],
      ["jpeg", "JPEG"],
      ["baseline-jpeg", "Baseline"],
      ["png", "PNG"],
      ["png-force", "Force PNG"],
      ["gif", "GIF"],
      ["svg", "SVG"],
      ["json", "JSON"],
    ],
    examples: ["auto", "avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force", "gif", "svg", "json"],
  },
  {
    key: "quality",
    label: "Quality",
    group: "format",
    kind: "special",
    absent: "85",
    examples: ["60", "high", "medium-high", "medium-low", "low"],
  },
  {
    key: "compression",
    label: "Fast compression",
    group: "format",
    kind: "switch",
    on: "fast",
    note: "Quick to make, larger to send.",
    examples: ["fast"],
  },
  {
    key: "metadata",
    label: "Metadata",
    group: "format",
    kind: "choice",
    absent: "copyright",
    choices: [
      ["", "Copyright"],
      ["keep", "Keep"],
      ["none", "None"],
    ],
    examples: ["keep", "none"],
  },
  { key: "anim", label: "First frame only", group: "format", kind: "switch", on: "false", examples: ["false"] },
  {
    key: "slow-connection-quality",
    label: "Quality when slow",
    group: "format",
    kind: "text",
    placeholder: "1–100 or low … high",
    note: "Used for clients that report a slow connection.",
    examples: ["40", "low"],
  },

  { key: "brightness", label: "Brightness", group: "light", kind: "slider", min: 0, track: 2, max: 255, step: 0.05, absent: "1", examples: ["1.2", "0.5"] },
  { key: "contrast", label: "Contrast", group: "light", kind: "slider", min: 0, track: 2, max: 255, step: 0.05, absent: "1", examples: ["1.5"] },
  { key: "gamma", label: "Gamma", group: "light", kind: "slider", min: 0, track: 3, max: 255, step: 0.05, absent: "1", examples: ["0.7"] },
  { key: "saturation", label: "Saturation", group: "light", kind: "slider", min: 0, track: 2, max: 255, step: 0.05, absent: "1", examples: ["0", "1.8"] },

  { key: "sharpen", label: "Sharpen", group: "detail", kind: "slider", min: 0, track: 10, max: 10, step: 0.1, absent: "0", examples: ["1"] },
  { key: "blur", label: "Blur", group: "detail", kind: "slider", min: 0, track: 60, max: 250, step: 0.5, absent: "0", unit: "px", examples: ["12.5", "250"] },
  {
    key: "upscale",
    label: "Enlarging",
    group: "detail",
    kind: "choice",
    absent: "interpolate",
    choices: [
      ["", "Interpolate"],
      ["generate", "Generate"],
    ],
    note: "Generating detail needs a model on the server.",
    examples: ["generate"],
  },

  { key: "trim.top", label: "Trim top", group: "edges", kind: "special", examples: ["20", "0.1"] },
  { key: "trim.right", label: "Trim right", group: "edges", kind: "special", examples: ["30"] },
  { key: "trim.bottom", label: "Trim bottom", group: "edges", kind: "special", examples: ["20"] },
  { key: "trim.left", label: "Trim left", group: "edges", kind: "special", examples: ["0.25"] },
  { key: "trim.width", label: "Keep width", group: "edges", kind: "special", examples: ["678"] },
  { key: "trim.height", label: "Keep height", group: "edges", kind: "special", examples: ["678"] },
  { key: "trim", label: "Trim a plain frame", group: "edges", kind: "switch", on: "border", examples: ["border"] },
  {
    key: "trim.border.color",
    label: "Frame colour",
    group: "edges",
    kind: "color",
    placeholder: "found in the corners",
    when: (o) => o.trim !== undefined || Object.keys(o).some((key) => key.startsWith("trim.border.")),
    examples: ["#000000", "white"],
  },
  {
    key: "trim.border.tolerance",
    label: "Tolerance",
    group: "edges",
    kind: "slider",
    min: 0,
    track: 64,
    max: 255,
    step: 1,
    absent: "10",
    when: (o) => o.trim !== undefined || Object.keys(o).some((key) => key.startsWith("trim.border.")),
    examples: ["5"],
  },
  {
    key: "trim.border.keep",
    label: "Keep of it",
    group: "edges",
    kind: "number",
    min: 0,
    unit: "px",
    placeholder: "0",
    when: (o) => o.trim !== undefined || Object.keys(o).some((key) => key.startsWith("trim.border.")),
    examples: ["10"],
  },
  { key: "border.width", label: "Border", group: "edges", kind: "number", min: 0, unit: "px", placeholder: "none", examples: ["12"] },
  {
    key: "border.color",
    label: "Border colour",
    group: "edges",
    kind: "color",
    placeholder: "black",
    when: (o) => Object.keys(o).some((key) => key.startsWith("border.")),
    examples: ["#ffffff", "rgb(240,40,145)"],
  },
  ...(["top", "right", "bottom", "left"] as const).map(
    (side): NumberControl => ({
      key: `border.${side}`,
      label: `Border ${side}`,
      group: "edges",
      kind: "number",
      min: 0,
      unit: "px",
      placeholder: "as border",
      when: (o) => Object.keys(o).some((key) => key.startsWith("border.")),
      examples: ["4"],
    }),
  ),
  { key: "background", label: "Background", group: "edges", kind: "color", placeholder: "none", examples: ["#ff8800", "transparent", "rgb(0 0 0 / 50%)"] },

  {
    key: "rotate",
    label: "Rotate",
    group: "turn",
    kind: "choice",
    absent: "0",
    choices: [
      ["", "0°"],
      ["90", "90°"],
      ["180", "180°"],
      ["270", "270°"],
    ],
    examples: ["90", "180", "270"],
  },
  {
    key: "flip",
    label: "Mirror",
    group: "turn",
    kind: "choice",
    choices: [
      ["", "None"],
      ["h", "Across"],
      ["v", "Down"],
      ["hv", "Both"],
    ],
    examples: ["h", "v", "hv"],
  },

  {
    key: "zoom",
    label: "Face zoom",
    group: "subject",
    kind: "slider",
    min: 0,
    track: 1,
    max: 1,
    step: 0.05,
    absent: "0",
    note: "Cuts towards the faces; sets gravity to face.",
    examples: ["0.5"],
  },
  {
    key: "segment",
    label: "Remove background",
    group: "subject",
    kind: "switch",
    on: "foreground",
    note: "Needs a model on the server.",
    examples: ["foreground"],
  },

  { key: "draw.0.url", label: "Image URL", group: "overlay", kind: "text", placeholder: "https://…", examples: ["https://example.com/mark.png?v=1"] },
  { key: "draw.0.width", label: "Width", group: "overlay", kind: "number", min: 0, placeholder: "px, or 0–1 of the picture", when: hasOverlay, examples: ["120", "0.25"] },
  { key: "draw.0.height", label: "Height", group: "overlay", kind: "number", min: 0, placeholder: "px, or 0–1 of the picture", when: hasOverlay, examples: ["80"] },
  { key: "draw.0.opacity", label: "Opacity", group: "overlay", kind: "slider", min: 0, track: 1, max: 1, step: 0.05, absent: "1", when: hasOverlay, examples: ["0.6"] },
  ...(["top", "right", "bottom", "left"] as const).map(
    (side): NumberControl => ({
      key: `draw.0.${side}`,
      label: `From ${side}`,
      group: "overlay",
      kind: "number",
      unit: "px",
      placeholder: "centred",
      when: hasOverlay,
      examples: ["16", "-8"],
    }),
  ),
  {
    key: "draw.0.repeat",
    label: "Repeat",
    group: "overlay",
    kind: "choice",
    choices: [
      ["", "Once"],
      ["x", "Across"],
      ["y", "Down"],
      ["true", "Both"],
    ],
    when: hasOverlay,
    examples: ["x", "y", "true"],
  },
  {
    key: "draw.0.composite",
    label: "Blend",
    group: "overlay",
    kind: "choice",
    list: true,
    absent: "over",
    choices: [
      ["", "Over"],
      ["in", "In"],
      ["atop", "Atop"],
      ["out", "Out"],
      ["xor", "Xor"],
      ["lighter", "Lighter"],
    ],
    when: hasOverlay,
    examples: ["in", "atop", "out", "xor", "lighter"],
  },

  {
    key: "onerror",
    label: "On error, redirect",
    group: "delivery",
    kind: "switch",
    on: "redirect",
    note: "Sends the client to the original when transforming fails.",
    examples: ["redirect"],
  },
  { key: "wbreakpoints", label: "Breakpoints", group: "delivery", kind: "text", placeholder: "320;768;960;1200", when: autoWidth, examples: ["400;800;1600"] },
  { key: "wmobile", label: "Width on phones", group: "delivery", kind: "number", min: 1, unit: "px", placeholder: "768", when: autoWidth, examples: ["640"] },
  { key: "wdesktop", label: "Width on desktops", group: "delivery", kind: "number", min: 1, unit: "px", placeholder: "1200", when: autoWidth, examples: ["1440"] },
];

/** The eight ways of fitting, with what each is in a few words. */
export const FITS: readonly (readonly [string, string, string])[] = [
  ["scale-down", "Scale down", "Inside the box, never enlarged"],
  ["contain", "Contain", "Inside the box, enlarged if smaller"],
  ["cover", "Cover", "Fills the box, the rest is cut"],
  ["crop", "Crop", "As cover, never enlarged"],
  ["aspect-crop", "Aspect crop", "As crop, keeps the box’s shape"],
  ["pad", "Pad", "Inside the box, the rest is background"],
  ["squeeze", "Squeeze", "Exactly the box, distorted"],
  ["scale-up", "Scale up", "Inside the box, only ever enlarged"],
];
