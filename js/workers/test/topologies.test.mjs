// One real picture through the real runtime and the real service, in each way our configurations connect them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startCalotype } from "./support/calotype.mjs";
import { fromLetters, letters, noise } from "./support/pictures.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const cases = {
  async turned(images, request) {
    const result = await images.input(request.body).transform({ rotate: 90 }).output({ format: "rgba" });
    return result.response({ headers: { "x-mine": "kept", "content-type": "text/plain" } });
  },
  async info(images, request) {
    return images.info(request.body);
  },
  async wrong(images, request) {
    await images.input(request.body).transform({ width: -5 }).output({ format: "image/png" });
  },
  async same(images, request) {
    return (await images.input(request.body).output({ format: "rgba" })).response();
  },
  async hosted(images) {
    return images.hosted.image("not-there").details();
  },
};

// Turned clockwise, the left column becomes the top row.
const PICTURE = ["rgb", "www"];
const TURNED = ["wr", "wg", "wb"];

for (const topology of ["A", "B", "C"]) {
  test(`topology ${topology} transforms, tells and refuses`, async (t) => {
    const { socket } = await startCalotype(t);
    const worker = await startWorkerd(t, { topology, socket, cases });
    const picture = fromLetters(PICTURE);
    const turned = await worker.run("turned", picture);
    assert.equal(turned.status, 200);
    assert.equal(turned.type, "application/octet-stream");
    assert.equal(turned.headers.get("x-mine"), "kept");
    assert.deepEqual(letters(turned.bytes, 2), TURNED);
    assert.deepEqual(await worker.run("info", picture), { format: "image/png", fileSize: picture.length, width: 3, height: 2 });
    await assert.rejects(worker.run("wrong", picture), (error) => {
      assert.equal(error.code, 9432);
      assert.match(error.message, /^IMAGES_TRANSFORM_ERROR 9432: Bad request: /);
      return true;
    });
    if (topology === "A") await assert.rejects(worker.run("hosted"), "there is no RPC without the adapter");
  });
}

test("a large picture goes through topology B unchanged, both ways", async (t) => {
  const { socket } = await startCalotype(t);
  const worker = await startWorkerd(t, { socket, cases });
  const picture = noise(1200, 1000);
  assert.ok(picture.length > 3_000_000, "it does not compress");
  const { bytes } = await worker.run("same", picture);
  assert.equal(bytes.length, 1200 * 1000 * 4);
  const first = await worker.run("same", noise(4, 4));
  assert.deepEqual(bytes.subarray(0, 16), first.bytes.subarray(0, 16), "the generator begins alike");
});

test("without a service the error says so, and has a code", async (t) => {
  const worker = await startWorkerd(t, { socket: "/nonexistent/calotype.sock", cases });
  await assert.rejects(worker.run("turned", fromLetters(PICTURE)), {
    code: 9502,
    message: "IMAGES_TRANSFORM_ERROR 9502: the image service cannot be reached; is Calotype running?",
  });
  await assert.rejects(worker.run("hosted"), {
    code: 9502,
    message: "IMAGES_HOSTED_ERROR 9502: the image service cannot be reached; is Calotype running?",
  });
});
