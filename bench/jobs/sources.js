// Writes what Pillow cannot: a picture in Display P3 or CMYK with its profile, or an AVIF of known settings. Input: one JSON object on standard input,
// {raw, width, height, profile?, format, options, out}.
import fs from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';

const { raw, width, height, profile, format, options, out } = JSON.parse(await text(process.stdin));
let picture = sharp(await fs.readFile(raw), { raw: { width, height, channels: 3 } });
if (profile === 'cmyk') picture = picture.toColourspace('cmyk');
if (profile) picture = picture.withIccProfile(profile);
await fs.writeFile(out, await picture[format](options).toBuffer());
