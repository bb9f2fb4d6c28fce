// The list of transforms: every photograph in every size, fit and format, in an order that is mixed but always the same.
import fs from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

const PIXELS_MIN = 3_000_000;

/** Boxes as sites ask for them, thumbnails to full width. None enlarges a photograph of 3 megapixels with a side of at least 1440. */
const SIZES = [
  [120, 120], [160, 120], [200, 200], [256, 144], [320, 240], [320, 320], [400, 300], [480, 270], [480, 480], [512, 384],
  [640, 360], [640, 480], [720, 720], [768, 512], [800, 600], [960, 540], [1080, 1080], [1280, 720], [1440, 1080],
];
const FITS = ['scale-down', 'cover', 'pad'];
const FORMATS = ['jpeg', 'webp'];
export const QUALITY = 85;

/** JPEG files of at least 3 megapixels below a folder, biggest first: `{ file, name, width, height, bytes }`. */
export async function photographs(folder) {
  const found = [];
  for (const entry of await fs.readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.jpe?g$/i.test(entry.name)) continue;
    const file = path.join(entry.parentPath, entry.name);
    const { width, height, format } = await sharp(file).metadata();
    if (format === 'jpeg' && width * height >= PIXELS_MIN && Math.min(width, height) >= 1440) {
      found.push({ file, width, height, bytes: (await fs.stat(file)).size });
    }
  }
  found.sort((a, b) => b.width * b.height - a.width * a.height || (a.file < b.file ? -1 : 1));
  return found.map((photo, index) => ({ ...photo, name: `${String(index).padStart(2, '0')}.jpg` }));
}

/** `count` distinct jobs; more than there are is an error, because a repeated job would measure caches. */
export function jobs(photos, count) {
  const all = [];
  for (const [width, height] of SIZES) {
    for (const { name } of photos) {
      for (const fit of FITS) for (const format of FORMATS) all.push({ name, width, height, fit, format });
    }
  }
  if (all.length < count) throw new Error(`${photos.length} photographs make ${all.length} distinct transforms, and ${count} were asked for`);
  shuffle(all);
  return all.slice(0, count);
}

/** Fisher and Yates with a fixed seed (mulberry32), so that every run and both sides get the same order. */
function shuffle(list) {
  let state = 20_260_101;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = list.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
}
