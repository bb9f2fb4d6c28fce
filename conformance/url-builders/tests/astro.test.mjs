// Astro: the image service of its Cloudflare adapter (`imageService: "cloudflare"`), which only builds URLs.

import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

import { KNOT, LAKE, assertServed, left, server } from "../lib/served.mjs";

register("../lib/astro-hooks.mjs", import.meta.url);
globalThis.ASTRO_BASE_URL = "/";
const { default: service } = await import("@astrojs/cloudflare/image-service");

/** An imported file, as Astro's build describes it. */
const imported = (src, width, height, format) => ({ src, width, height, format });
const lake = imported(LAKE, 2400, 1600, "jpg");
const knot = imported(KNOT, 1200, 1200, "png");
const config = server ? { domains: [new URL(server).hostname], remotePatterns: [] } : {};

// `onerror=redirect` is Astro's own default and shows only where a transform fails.
const TRANSFORMS = [
  [{ src: lake, width: 400 }, { size: "400x267", type: "jpg", means: "width=400" }],
  [{ src: lake, height: 300 }, { size: "450x300", means: "height=300" }],
  [{ src: lake, width: 400, height: 300, fit: "cover" }, { size: "400x300", means: "width=400,height=300,fit=cover", unlike: "width=400,height=300,fit=squeeze" }],
  [{ src: lake, width: 400, height: 400, fit: "contain" }, { size: "400x267", means: "width=400,height=400,fit=contain" }],
  [{ src: lake, width: 400, height: 400, fit: "scale-down" }, { size: "400x267", means: "width=400,height=400" }],
  [{ src: lake, width: 400, height: 400, fit: "pad" }, { size: "400x400", means: "width=400,height=400,fit=pad" }],
  [{ src: lake, width: 400, height: 400, fit: "crop" }, { size: "400x400", means: "width=400,height=400,fit=crop" }],
  [{ src: lake, width: 400, format: "webp", quality: 40 }, { size: "400x267", type: "webp", means: "width=400,format=webp,quality=40", unlike: "width=400,format=webp" }],
  [{ src: lake, width: 400, format: "avif", quality: 60 }, { size: "400x267", type: "avif", means: "width=400,format=avif,quality=60" }],
  // Astro's words for quality go through as they are; `low` and `high` are words of both sides.
  [{ src: lake, width: 400, format: "jpeg", quality: "low" }, { size: "400x267", type: "jpg", means: "width=400,format=jpeg,quality=35", unlike: "width=400,format=jpeg" }],
  [{ src: lake, width: 400, format: "jpg", quality: "high" }, { size: "400x267", type: "jpg", means: "width=400,format=jpeg,quality=90" }],
  [{ src: knot, width: 300, format: "png" }, { size: "300x300", type: "png", source: KNOT, means: "width=300,format=png" }],
  [{ src: knot, width: 300 }, { size: "300x300", type: "png", source: KNOT, means: "width=300" }],
];

for (const [{ src, ...transform }, want] of TRANSFORMS) {
  test(`Astro: ${src.src} ${JSON.stringify(transform)}`, { skip: left }, async () => {
    const url = service.getURL({ src, ...transform }, config);
    assert.match(url, /onerror=redirect/);
    await assertServed(url, want);
  });
}

test("Astro: a picture on an allowed host", { skip: left }, async () => {
  const url = service.getURL({ src: `${server}${LAKE}`, width: 400, format: "webp" }, config);
  assert.equal(url, `/cdn-cgi/image/onerror=redirect,width=400,format=webp/${server}${LAKE}`);
  await assertServed(url, { size: "400x267", type: "webp", means: "width=400,format=webp" });
  // Hosts that the site did not allow are left alone by Astro itself.
  assert.equal(service.getURL({ src: "https://other.example/a.jpg", width: 400 }, config), "https://other.example/a.jpg");
});
