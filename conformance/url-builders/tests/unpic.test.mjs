// unpic, the URL library of the @unpic/* picture components, and @unpic/core, which makes their attributes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { transformProps } from "@unpic/core";
import { getProviderForUrl, transformUrl } from "unpic";
import { extract, generate, transform } from "unpic/providers/cloudflare";

import { KNOT, LAKE, assertServed, candidates, left, server } from "../lib/served.mjs";

// `f=auto` and `fit=cover` are unpic's own defaults.
const OPERATIONS = [
  [{ width: 400 }, { size: "400x267", type: "webp", means: "width=400,fit=scale-down,format=auto" }],
  [{ height: 300 }, { size: "450x300", type: "webp", means: "height=300,format=auto" }],
  [{ width: 400, height: 300 }, { size: "400x300", means: "width=400,height=300,fit=cover,format=auto", unlike: "width=400,height=300,fit=squeeze,format=auto" }],
  [{ width: 400.4, height: "300" }, { size: "400x300", means: "width=400,height=300,fit=cover,format=auto" }],
  [{ width: 400, height: 400, fit: "contain" }, { size: "400x267", means: "width=400,height=400,fit=contain,format=auto" }],
  [{ width: 400, height: 400, fit: "scale-down" }, { size: "400x267", means: "width=400,height=400,format=auto" }],
  [{ width: 3000, height: 3000, fit: "crop" }, { size: "2400x1600", means: "fit=crop,width=3000,height=3000,format=auto" }],
  [{ width: 400, height: 400, fit: "pad", background: "#204060", format: "png" }, { size: "400x400", type: "png", means: "width=400,height=400,fit=pad,background=%23204060,format=png", unlike: "width=400,height=400,fit=pad,format=png" }],
  [{ width: 300, background: "rgb(240, 40, 145)", format: "jpg" }, { size: "300x300", type: "jpg", source: KNOT, means: "width=300,background=%23f02891,format=jpeg", unlike: "width=300,format=jpeg" }],
  [{ width: 400, format: "jpg", quality: 40 }, { size: "400x267", type: "jpg", means: "width=400,format=jpeg,quality=40", unlike: "width=400,format=jpeg" }],
  [{ width: 400, format: "avif", quality: 50 }, { size: "400x267", type: "avif", means: "width=400,format=avif,quality=50" }],
  [{ width: 400, format: "webp" }, { size: "400x267", type: "webp", accept: "*/*", means: "width=400,format=webp" }],
  [{ width: 400, height: 400, gravity: "left" }, { size: "400x400", means: "width=400,height=400,fit=cover,gravity=left,format=auto", unlike: "width=400,height=400,fit=cover,format=auto" }],
  [{ width: 400, height: 400, gravity: "0.9x0.5" }, { size: "400x400", means: "width=400,height=400,fit=cover,gravity=0.9x0.5,format=auto", unlike: "width=400,height=400,fit=cover,format=auto" }],
  [{ width: 400, height: 400, gravity: "auto" }, { size: "400x400", means: "width=400,height=400,fit=cover,gravity=auto,format=auto" }],
  [{ width: 400, dpr: 2 }, { size: "800x533", means: "width=800,format=auto" }],
  [{ width: 400, blur: 20 }, { size: "400x267", means: "width=400,blur=20,format=auto", unlike: "width=400,format=auto" }],
  [{ width: 400, sharpen: 3 }, { size: "400x267", means: "width=400,sharpen=3,format=auto", unlike: "width=400,format=auto" }],
  [{ width: 400, brightness: 1.2, contrast: 0.9, gamma: 1.5 }, { size: "400x267", means: "width=400,brightness=1.2,contrast=0.9,gamma=1.5,format=auto", unlike: "width=400,format=auto" }],
  [{ width: 300, rotate: 90 }, { size: "300x450", means: "width=300,rotate=90,format=auto" }],
  [{ width: 400, compression: "fast", metadata: "none", anim: false, onerror: "redirect" }, { size: "400x267", type: "jpg", means: "width=400,compression=fast,metadata=none,anim=false" }],
];

for (const [operations, want] of OPERATIONS) {
  test(`unpic: ${JSON.stringify(operations)}`, { skip: left }, async () => {
    await assertServed(generate(want.source ?? LAKE, { ...operations }), want);
  });
}

test("unpic: an absolute source and an absolute answer", { skip: left }, async () => {
  const { host } = new URL(server);
  const url = generate(`${server}${LAKE}`, { width: 400 }, { domain: host });
  assert.equal(url, `https://${host}/cdn-cgi/image/width=400,f=auto,fit=cover/${server}${LAKE}`);
  await assertServed(new URL(url).pathname, { size: "400x267", means: "width=400,format=auto" });
});

test("unpic: our URLs are recognised, taken apart and put together again", { skip: left }, async () => {
  const ours = `/cdn-cgi/image/width=400,height=300,fit=pad,background=red${LAKE}`;
  assert.equal(getProviderForUrl(ours), "cloudflare");
  const { src, operations } = extract(ours);
  assert.equal(src, LAKE);
  const again = generate(src, operations);
  await assertServed(again, { size: "400x300", means: "width=400,height=300,fit=pad,background=red,format=auto" });
  const narrower = transform(ours, { width: 200 });
  await assertServed(narrower, { size: "200x300", means: "width=200,height=300,fit=pad,background=red,format=auto" });
});

test("unpic: transformUrl for any picture", { skip: left }, async () => {
  const url = transformUrl({ url: LAKE, provider: "cloudflare", width: 320, height: 200, format: "webp", quality: 60 });
  await assertServed(url, { size: "320x200", type: "webp", means: "width=320,height=200,fit=cover,format=webp,quality=60" });
});

test("@unpic/core: every candidate of a srcset has the width it promises", { skip: left }, async () => {
  const { src, srcset } = transformProps({ src: LAKE, cdn: "cloudflare", layout: "constrained", width: 600, height: 300 });
  const list = candidates(srcset);
  assert.ok(list.length >= 4, srcset);
  for (const { url, descriptor } of list) {
    const width = Number.parseInt(descriptor, 10);
    const height = Math.round(width / 2);
    await assertServed(url, { size: `${width}x${height}`, means: `width=${width},height=${height},fit=cover,format=auto` });
  }
  await assertServed(src, { size: "600x300", means: "width=600,height=300,fit=cover,format=auto" });
});
