// Asks the running server for what a builder's URL names, and checks the answer.
//
//   CALOTYPE_URL   address of the server, for example http://127.0.0.1:8080
//
// Without CALOTYPE_URL the tests are left out, unless CI is set, where that is a failure.

import assert from "node:assert/strict";

import { imageSize } from "image-size";

export const server = process.env.CALOTYPE_URL?.replace(/\/+$/, "");
export const left = server ? false : "CALOTYPE_URL is not set";
if (left && process.env.CI === "true") throw new Error("CALOTYPE_URL must be set on CI");

/** A picture that every server has: 2400x1600, opaque, fine detail, its point of interest off the centre. */
export const LAKE = "/-/samples/lake.jpg";
/** 1200x1200 with an alpha channel. */
export const KNOT = "/-/samples/knot.png";

const MEDIA_TYPES = { jpg: "image/jpeg", png: "image/png", webp: "image/webp", avif: "image/avif", gif: "image/gif" };

/** The picture at a path or URL: its bytes, and what an independent reader says of them. */
async function get(url, accept) {
  const absolute = new URL(url, server);
  const response = await fetch(absolute, { headers: { accept }, redirect: "manual" });
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, `${absolute}: ${response.status} ${bytes.subarray(0, 300)}`);
  const { width, height, type } = imageSize(bytes);
  assert.equal(response.headers.get("content-type"), MEDIA_TYPES[type], `${absolute}: sent as another type than it is`);
  assert.equal(response.headers.get("content-length"), String(bytes.length), `${absolute}: length`);
  return { bytes, size: `${width}x${height}`, type, headers: response.headers };
}

/**
 * The URL is a transform and is served as meant.
 *
 * - `size`: the size the picture must have, worked out by hand.
 * - `type`: its format, told by its bytes.
 * - `means`: the options in our own words. The same picture, option and version give the same bytes, so both answers must be one.
 * - `unlike`: options whose picture must be another one, to show that an option is not just ignored on both sides.
 */
export async function assertServed(url, { size, type, means, unlike, source = LAKE, accept = "image/webp,*/*;q=0.8" }) {
  const path = new URL(url, server).pathname;
  assert.match(path, /^\/cdn-cgi\/image\/[^/]+=[^/]+\/.+/, `${url}: not a transform with options and a source`);
  const made = await get(url, accept);
  assert.match(made.headers.get("cf-resized") ?? "", /^internal=ok\//, `${url}: cf-resized`);
  // Every option was understood: what was dropped leaves a remark.
  const remarks = made.headers.get("warning") ?? "";
  assert.doesNotMatch(remarks, /unknown option|invalid value/, `${url}: ${remarks}`);
  assert.equal(made.size, size, `${url}: size`);
  if (type) assert.equal(made.type, type, `${url}: format`);
  const plain = (options) => `/cdn-cgi/image/${options}${source}`;
  if (means) {
    const meant = await get(plain(means), accept);
    assert.ok(made.bytes.equals(meant.bytes), `${url}: another picture than ${plain(means)}`);
  }
  if (unlike) {
    const other = await get(plain(unlike), accept);
    assert.ok(!made.bytes.equals(other.bytes), `${url}: the same picture as ${plain(unlike)}`);
  }
  return made;
}

/** The addresses in a `srcset`, with what each promises. */
export function candidates(srcset) {
  return srcset.split(/,\s+/).map((candidate) => {
    const [url, descriptor] = candidate.trim().split(/\s+/);
    return { url, descriptor };
  });
}
