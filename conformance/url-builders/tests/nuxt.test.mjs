// Nuxt Image: its `cloudflare` provider, through the runtime that <NuxtImg> uses, without an application around it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createImage } from "@nuxt/image/runtime";
import cloudflare from "@nuxt/image/runtime/providers/cloudflare";

import { KNOT, LAKE, assertServed, candidates, left, server } from "../lib/served.mjs";

/** `useImage()`, with the options that the module would have written into the application. */
function image(defaults = {}) {
  return createImage({
    provider: "cloudflare",
    providers: { cloudflare: { setup: cloudflare, defaults } },
    presets: { avatar: { modifiers: { width: 80, height: 80, fit: "cover", gravity: "auto", format: "webp" } } },
    screens: { sm: 640, md: 768, lg: 1024 },
    densities: [1, 2],
    domains: [],
    alias: {},
  });
}

// Nuxt's words for `fit` are those of other libraries: `fill` is scale-down, `outside` crop, `inside` pad.
const MODIFIERS = [
  [{ width: 400 }, { size: "400x267", type: "jpg", means: "width=400" }],
  [{ height: 300 }, { size: "450x300", means: "height=300" }],
  [{ width: 400, height: 300, fit: "cover" }, { size: "400x300", means: "width=400,height=300,fit=cover", unlike: "width=400,height=300,fit=squeeze" }],
  [{ width: 400, height: 400, fit: "contain" }, { size: "400x267", means: "width=400,height=400,fit=contain" }],
  [{ width: 400, height: 400, fit: "fill" }, { size: "400x267", means: "width=400,height=400,fit=scale-down" }],
  [{ width: 400, height: 400, fit: "outside" }, { size: "400x400", means: "width=400,height=400,fit=crop" }],
  [{ width: 400, height: 400, fit: "inside", background: "#204060" }, { size: "400x400", means: "width=400,height=400,fit=pad,background=%23204060", unlike: "width=400,height=400,fit=pad" }],
  [{ width: 400, height: 400, fit: "squeeze" }, { size: "400x400", means: "width=400,height=400,fit=squeeze" }],
  [{ width: 300, background: "crimson", format: "jpeg" }, { size: "300x300", type: "jpg", source: KNOT, means: "width=300,background=%23dc143c,format=jpeg", unlike: "width=300,format=jpeg" }],
  [{ width: 400, format: "webp", quality: 50 }, { size: "400x267", type: "webp", means: "width=400,format=webp,quality=50", unlike: "width=400,format=webp" }],
  [{ width: 400, format: "avif" }, { size: "400x267", type: "avif", means: "width=400,format=avif" }],
  [{ width: 400, format: "auto" }, { size: "400x267", type: "avif", accept: "image/avif,image/webp", means: "width=400,format=auto" }],
  [{ width: 400, format: "png" }, { size: "400x267", type: "png", means: "width=400,format=png" }],
  [{ width: 400, height: 400, fit: "cover", gravity: "auto" }, { size: "400x400", means: "width=400,height=400,fit=cover,gravity=auto" }],
  [{ width: 400, height: 400, fit: "cover", gravity: "right" }, { size: "400x400", means: "width=400,height=400,fit=cover,gravity=right", unlike: "width=400,height=400,fit=cover" }],
  [{ width: 400, height: 400, fit: "cover", gravity: "0.1x0.5" }, { size: "400x400", means: "width=400,height=400,fit=cover,gravity=0.1x0.5", unlike: "width=400,height=400,fit=cover" }],
  [{ width: 400, dpr: 2 }, { size: "800x533", means: "width=800" }],
  [{ width: 400, sharpen: 3 }, { size: "400x267", means: "width=400,sharpen=3", unlike: "width=400" }],
  [{ width: 400, blur: 20 }, { size: "400x267", means: "width=400,blur=20", unlike: "width=400" }],
  [{ width: "400px", rotate: 270 }, { size: "400x600", means: "width=400,rotate=270" }],
  [{ width: 400, trim: "10;20;30;40" }, { size: "400x267", means: "width=400,trim.top=10,trim.right=20,trim.bottom=30,trim.left=40", unlike: "width=400" }],
];

for (const [modifiers, want] of MODIFIERS) {
  test(`Nuxt Image: ${JSON.stringify(modifiers)}`, { skip: left }, async () => {
    await assertServed(image()(want.source ?? LAKE, modifiers), want);
  });
}

test("Nuxt Image: a preset", { skip: left }, async () => {
  const { url } = image().getImage(LAKE, { preset: "avatar" });
  await assertServed(url, { size: "80x80", type: "webp", means: "width=80,height=80,fit=cover,gravity=auto,format=webp" });
});

test("Nuxt Image: a base URL and an absolute source", { skip: left }, async () => {
  const url = image({ baseURL: `${server}/` })(`${server}${LAKE}`, { width: 400, format: "webp" });
  assert.equal(url, `${server}/cdn-cgi/image/w=400,f=webp/${server}${LAKE}`);
  await assertServed(url, { size: "400x267", type: "webp", means: "width=400,format=webp" });
});

test("Nuxt Image: every candidate of a srcset has the width it promises", { skip: left }, async () => {
  const { srcset } = image().getSizes(LAKE, { sizes: "sm:320px md:400px lg:600px", modifiers: { format: "webp" } });
  const list = candidates(srcset);
  assert.equal(list.length, 6, srcset);
  for (const { url, descriptor } of list) {
    const width = Number.parseInt(descriptor, 10);
    // Two thirds, rounded half up.
    const height = Math.floor((width * 4 + 3) / 6);
    await assertServed(url, { size: `${width}x${height}`, type: "webp", means: `width=${width},format=webp` });
  }
});
