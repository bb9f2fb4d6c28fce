// Next.js: the loader that the documentation has people write.

import assert from "node:assert/strict";
import { test } from "node:test";

import cloudflareLoader, { autoFormatLoader } from "../lib/next-loader.mjs";
import { LAKE, assertServed, left, server } from "../lib/served.mjs";

// The first of Next's default `imageSizes` and `deviceSizes`, and one wider than the picture.
const PROPS = [
  [{ width: 16 }, { size: "16x11", means: "width=16" }],
  [{ width: 384, quality: 75 }, { size: "384x256", means: "width=384,quality=75", unlike: "width=384" }],
  [{ width: 640, quality: 1 }, { size: "640x427", means: "width=640,quality=1", unlike: "width=640" }],
  [{ width: 828, quality: 100 }, { size: "828x552", means: "width=828,quality=100" }],
  [{ width: 1920 }, { size: "1920x1280", means: "width=1920" }],
  [{ width: 3840 }, { size: "2400x1600", means: "width=3840" }],
];

for (const [props, want] of PROPS) {
  test(`Next.js: ${JSON.stringify(props)}`, { skip: left }, async () => {
    const url = cloudflareLoader({ src: LAKE, ...props });
    assert.ok(url.endsWith("/-/samples/lake.jpg") && !url.includes("//"), url);
    await assertServed(url, { type: "jpg", ...want });
  });
}

test("Next.js: automatic format follows the browser", { skip: left }, async () => {
  const url = autoFormatLoader({ src: LAKE, width: 640 });
  const means = "width=640,quality=75,format=auto";
  await assertServed(url, { size: "640x427", type: "avif", accept: "image/avif,image/webp,image/*,*/*;q=0.8", means });
  await assertServed(url, { size: "640x427", type: "webp", accept: "image/webp,image/*,*/*;q=0.8", means });
  await assertServed(url, { size: "640x427", type: "jpg", accept: "image/png,image/*;q=0.8", means });
});

test("Next.js: an absolute source", { skip: left }, async () => {
  const url = cloudflareLoader({ src: `${server}${LAKE}?version=2`, width: 256 });
  await assertServed(url, { size: "256x171", type: "jpg", means: "width=256" });
});
