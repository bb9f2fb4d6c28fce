// Pictures made by arithmetic, and readers for what comes back.
import { deflateSync } from "node:zlib";

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const whole = Buffer.alloc(typed.length + 8);
  whole.writeUInt32BE(data.length, 0);
  typed.copy(whole, 4);
  whole.writeUInt32BE(crc(typed), typed.length + 4);
  return whole;
}

/** A PNG, 8-bit RGBA, whose pixel at (x, y) is `pixel(x, y)`: [r, g, b, a]. */
export function png(width, height, pixel) {
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(pixel(x, y), y * (width * 4 + 1) + 1 + x * 4);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export const flat = (width, height, color) => png(width, height, () => color);

export const RED = [255, 0, 0, 255];
export const GREEN = [0, 255, 0, 255];
export const BLUE = [0, 0, 255, 255];
export const WHITE = [255, 255, 255, 255];
export const CLEAR = [0, 0, 0, 0];

/** Width and height that a PNG says it has. */
export function pngSize(bytes) {
  if (bytes.toString("latin1", 1, 4) !== "PNG") throw new Error(`no PNG: ${bytes.toString("latin1", 0, 40)}`);
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}

/** Raw RGBA bytes as rows of letters, one for each pixel: pictures that can be read in a test. */
export function letters(rgba, width) {
  const names = new Map([
    [String(RED), "r"],
    [String(GREEN), "g"],
    [String(BLUE), "b"],
    [String(WHITE), "w"],
    [String(CLEAR), "."],
  ]);
  const rows = [];
  for (let at = 0; at < rgba.length; at += width * 4) {
    let row = "";
    for (let x = 0; x < width; x++) row += names.get(String([...rgba.subarray(at + x * 4, at + x * 4 + 4)])) ?? "?";
    rows.push(row);
  }
  return rows;
}

/** A picture from rows of letters. */
export function fromLetters(rows) {
  const colors = { r: RED, g: GREEN, b: BLUE, w: WHITE, ".": CLEAR };
  return png(rows[0].length, rows.length, (x, y) => colors[rows[y][x]]);
}

/** A picture that does not compress: noise of a small generator, always the same. */
export function noise(width, height) {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return png(width, height, () => [next(), next(), next(), 255]);
}

