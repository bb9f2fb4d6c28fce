// env.IMAGES.hosted through the adapter, in the real runtime. The service is a test double; with CALOTYPE_TEST_HOSTED=real it is Calotype itself.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd, startCalotype, temporaryDirectory } from "./support/calotype.mjs";
import { startHostedDouble } from "./support/hosted-double.mjs";
import { flat, RED } from "./support/pictures.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const real = process.env.CALOTYPE_TEST_HOSTED === "real";
const startService = real ? startCalotype : startHostedDouble;
const picture = flat(8, 8, RED);

const cases = {
  async upload(images, request) {
    const { searchParams } = new URL(request.url);
    const options = JSON.parse(searchParams.get("options") ?? "{}");
    const as = searchParams.get("as") ?? "stream";
    if (as === "stream") return images.hosted.upload(request.body, options);
    const buffer = await request.arrayBuffer();
    if (as === "buffer") return images.hosted.upload(buffer, options);
    if (as === "part") return images.hosted.upload(new Uint8Array(buffer, 3, buffer.byteLength - 5), options);
    return images.hosted.upload(btoa(String.fromCharCode(...new Uint8Array(buffer))), { ...options, encoding: "base64" });
  },
  async uploadBase64InSmallPieces(images, request) {
    const text = new TextEncoder().encode(btoa(String.fromCharCode(...new Uint8Array(await request.arrayBuffer()))).replace(/.{76}/g, "$&\r\n"));
    const pieces = new ReadableStream({
      type: "bytes",
      start(controller) {
        for (let at = 0; at < text.length; at += 3) controller.enqueue(text.slice(at, at + 3));
        controller.close();
      },
    });
    return images.hosted.upload(pieces, { encoding: "base64" });
  },
  async uploadBadBase64(images) {
    return images.hosted.upload(new TextEncoder().encode("AAAA=AAA not base64").buffer, { encoding: "base64" });
  },
  async uploadThatFails(images) {
    let sent = false;
    const broken = new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (sent) return controller.error(new Error("the source broke"));
        sent = true;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    return images.hosted.upload(broken, { id: "broken" });
  },
  async uploadWithoutEnd(images) {
    let pulled = 0;
    const source = new ReadableStream({
      type: "bytes",
      pull(controller) {
        pulled += 65536;
        if (pulled > 200e6) return controller.close();
        controller.enqueue(new Uint8Array(65536));
      },
    });
    const refused = await images.hosted.upload(source).catch((error) => error);
    return { code: refused.code, message: refused.message, pulled };
  },
  async uploadNothing(images) {
    return images.hosted.upload(42);
  },
  async details(images, request) {
    return images.hosted.image(new URL(request.url).searchParams.get("id")).details();
  },
  async bytes(images, request) {
    const stream = await images.hosted.image(new URL(request.url).searchParams.get("id")).bytes();
    return stream === null ? null : new Response(stream);
  },
  async update(images, request) {
    const { searchParams } = new URL(request.url);
    return images.hosted.image(searchParams.get("id")).update(JSON.parse(searchParams.get("options")));
  },
  async delete(images, request) {
    return images.hosted.image(new URL(request.url).searchParams.get("id")).delete();
  },
  async signedUrl(images, request) {
    const { searchParams } = new URL(request.url);
    return images.hosted.image(searchParams.get("id")).signedUrl(JSON.parse(searchParams.get("options")));
  },
  async list(images, request) {
    return images.hosted.list(JSON.parse(new URL(request.url).searchParams.get("options") ?? "null") ?? undefined);
  },
  async directUpload(images, request) {
    return images.hosted.createDirectUpload(JSON.parse(new URL(request.url).searchParams.get("options") ?? "{}"));
  },
  async handlesCostNothing(images) {
    const handle = images.hosted.image("first");
    const both = await Promise.all([handle.details(), handle.delete()]);
    return both;
  },
};

async function start(t, options) {
  const service = await startService(t);
  const worker = await startWorkerd(t, { socket: service.socket, cases, ...options });
  const run = (name, query = {}, body = undefined) => worker.run(name, body, { ...query, ...(query.options ? { options: JSON.stringify(query.options) } : {}) });
  return { service, run };
}

test("an upload can be read back, changed and deleted", async (t) => {
  const { run } = await start(t);
  const image = await run("upload", { options: { metadata: { shelf: "B4", n: 2 }, creator: "user-318", filename: 'la"mp\r\n.png' } }, picture);
  assert.equal(image.requireSignedURLs, false);
  assert.deepEqual(image.meta, { shelf: "B4", n: 2 });
  assert.equal(image.creator, "user-318");
  assert.ok(image.variants.every((url) => url.startsWith("http")), String(image.variants));
  assert.equal(new Date(image.uploaded).toISOString(), image.uploaded);

  const { id } = image;
  assert.deepEqual(await run("details", { id }), image);
  const { bytes } = await run("bytes", { id });
  assert.deepEqual(bytes, picture);

  const changed = await run("update", { id, options: { metadata: { only: true } } });
  assert.deepEqual(changed.meta, { only: true }, "replaced, not merged");
  assert.equal(changed.creator, "user-318");

  assert.equal(await run("delete", { id }), true);
  assert.equal(await run("delete", { id }), false);
  assert.equal(await run("details", { id }), null);
  assert.equal(await run("bytes", { id }), null);
  await assert.rejects(run("update", { id, options: {} }), (error) => error.code === 5404 && /not found/.test(error.message));
});

test("an upload may be a stream, a buffer, a part of a buffer, or base64 of any of them", async (t) => {
  const { run } = await start(t);
  const padded = Buffer.concat([Buffer.from("abc"), picture, Buffer.from("de")]);
  for (const [how, body] of [
    ["stream", picture],
    ["buffer", picture],
    ["part", padded],
    ["base64", picture],
  ]) {
    const { id, filename } = await run("upload", { as: how }, body);
    assert.equal(filename, "uploaded.jpg", how);
    assert.deepEqual((await run("bytes", { id })).bytes, picture, how);
  }
  const { id } = await run("uploadBase64InSmallPieces", {}, picture);
  assert.deepEqual((await run("bytes", { id })).bytes, picture, "in pieces of three characters, with line breaks");
});

test("an upload that cannot be had whole leaves nothing behind", async (t) => {
  const { run } = await start(t);
  await assert.rejects(run("uploadThatFails"), { code: 5450, message: /the image could not be read to its end/ });
  assert.equal(await run("details", { id: "broken" }), null);
  await assert.rejects(run("uploadBadBase64"), { code: 5400 });
  await assert.rejects(run("uploadNothing"), { code: 5400 });
  assert.deepEqual(await run("list"), { images: [], listComplete: true });
});

test("refusals of the service arrive with their code and their words", async (t) => {
  const { run } = await start(t);
  await run("upload", { options: { id: "taken" } }, picture);
  await assert.rejects(run("upload", { options: { id: "taken" } }, picture), { code: 5409, message: /^IMAGES_HOSTED_ERROR 5409: Resource already exists/ });
  await assert.rejects(run("upload", { options: { id: "mine", requireSignedURLs: true } }, picture), { code: 5400 });
  await assert.rejects(run("directUpload", { options: { id: "mine", requireSignedURLs: true } }), { code: 5400 });
});

test("ids may hold slashes, spaces, per cent signs and other alphabets", async (t) => {
  const { run } = await start(t);
  for (const id of ["catalog/2026/50% off.png", "a/blob", "%2F", "größe/写真?x=1#y", "a+b&c"]) {
    assert.equal((await run("upload", { options: { id } }, picture)).id, id);
    assert.equal((await run("details", { id })).id, id);
    assert.deepEqual((await run("bytes", { id })).bytes, picture);
    assert.equal(await run("delete", { id }), true);
  }
  assert.equal(await run("details", { id: "a" }), null);
});

test("an id that no image can have is an image that is not there", async (t) => {
  const { run } = await start(t);
  await run("upload", { options: { id: "there" } }, picture);
  for (const id of ["", ".", "..", "stats", "keys", "variants", "config", "direct_upload", "batch_token"]) {
    assert.equal(await run("details", { id }), null, id);
    assert.equal(await run("bytes", { id }), null, id);
    assert.equal(await run("delete", { id }), false, id);
    await assert.rejects(run("update", { id, options: {} }), { code: 5404 });
  }
});

test("pages follow each other by their cursors, oldest first unless said otherwise", async (t) => {
  const { run } = await start(t);
  for (const id of ["first", "second", "third"]) await run("upload", { options: { id, creator: id === "second" ? "eve" : "adam" } }, picture);
  const ids = (page) => page.images.map((image) => image.id);
  const page = await run("list", { options: { limit: 2 } });
  assert.deepEqual(ids(page), ["first", "second"]);
  assert.equal(page.listComplete, false);
  const last = await run("list", { options: { limit: 2, cursor: page.cursor } });
  assert.deepEqual(ids(last), ["third"]);
  assert.equal(last.listComplete, true);
  assert.ok(!("cursor" in last), "no cursor on the last page");
  assert.deepEqual(ids(await run("list", { options: { sortOrder: "desc" } })), ["third", "second", "first"]);
  assert.deepEqual(ids(await run("list", { options: { creator: "eve" } })), ["second"]);
  assert.deepEqual(ids(await run("list")), ["first", "second", "third"]);
  for (const options of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { sortOrder: "up" }]) await assert.rejects(run("list", { options }), { code: 5400 });
});

test("metadata filters choose, in both spellings", async (t) => {
  const { run } = await start(t);
  const uploads = {
    one: { status: "active", priority: 1, config: { region: "eu" }, on: true },
    two: { status: "active", priority: 5, config: { region: "us" }, on: false },
    three: { status: "5", priority: 9, on: true },
  };
  for (const [id, metadata] of Object.entries(uploads)) await run("upload", { options: { id, metadata } }, picture);
  for (const [metadata, expected] of [
    [{ status: "active" }, ["one", "two"]],
    [{ status: { eq: "5" } }, ["three"]],
    [{ priority: 5 }, ["two"]],
    [{ status: 5 }, []],
    [{ on: true }, ["one", "three"]],
    [{ priority: { gte: 1, lt: 9 } }, ["one", "two"]],
    [{ priority: { gt: 1, lte: 9 } }, ["two", "three"]],
    [{ priority: { in: [1, 9] } }, ["one", "three"]],
    [{ status: { in: ["5", "other"] } }, ["three"]],
    [{ "config.region": "eu" }, ["one"]],
    [{ status: "active", priority: { gt: 1 } }, ["two"]],
    [{}, ["one", "two", "three"]],
  ]) {
    for (const options of [{ filter: { metadata } }, { metadataFilter: metadata }]) {
      const { images } = await run("list", { options });
      assert.deepEqual(
        images.map((image) => image.id),
        expected,
        JSON.stringify(options),
      );
    }
  }
});

test("a filter that cannot be said exactly is an error and never an unfiltered list", async (t) => {
  const { service, run } = await start(t);
  const many = Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((name) => [name, 1]));
  const eleven = Array.from({ length: 11 }, (_, n) => n);
  for (const [options, message] of [
    [{ filter: { metadata: many } }, /Too many metadata filters: 6 provided, maximum 5 allowed/],
    [{ filter: { metadata: { a: { gt: 1, lt: 5 }, b: { gt: 1, lt: 5 }, c: { gt: 1, lt: 5 } } } }, /6 provided/],
    [{ filter: { metadata: { a: { "not-eq": 1 } } } }, /Unsupported metadata filter operator: 'not-eq'/],
    [{ filter: { metadata: { a: {} } } }, /no operator/],
    [{ filter: { metadata: { a: null } } }, /'a'/],
    [{ filter: { metadata: { a: [1] } } }, /'a'/],
    [{ filter: { metadata: { a: { in: [] } } } }, /1 to 10/],
    [{ filter: { metadata: { a: { in: eleven } } } }, /1 to 10/],
    [{ filter: { metadata: { a: { in: [1, "x"] } } } }, /all text or all numbers/],
    [{ filter: { metadata: { a: { in: ["x|y"] } } } }, /\|/],
    [{ filter: { metadata: { a: { gt: "5" } } } }, /takes a number/],
    [{ filter: { metadata: { "a-b": 1 } } }, /letters, digits and _/],
    [{ filter: { metadata: { "a..b": 1 } } }, /letters, digits and _/],
    [{ filter: { metadata: { "a.b.c.d.e.f": 1 } } }, /5 levels/],
    [{ filter: { metadata: { ["x".repeat(101)]: 1 } } }, /100 characters/],
    [{ filter: { metadata: "active" } }, /object/],
    [{ filter: { meta: { a: 1 } } }, /unknown member of filter: 'meta'/],
    [{ filter: { metadata: { a: 1 } }, metadataFilter: { a: 1 } }, /not both/],
  ]) {
    await assert.rejects(run("list", { options }), (error) => {
      assert.equal(error.code, 5400, JSON.stringify(options));
      assert.match(error.message, message);
      return true;
    });
  }
  if (!real) assert.deepEqual(service.requests, [], "nothing was asked");
});

test("a direct upload has a place to go, for as long as it was asked", async (t) => {
  const { service, run } = await start(t);
  const before = Date.now();
  const { id, uploadURL, ...rest } = await run("directUpload", { options: { metadata: { order: "A-17" }, expiresIn: 600 } });
  assert.deepEqual(rest, {});
  assert.ok(uploadURL.includes(id));
  assert.equal((await run("details", { id })).draft, true);
  if (!real) {
    const { fields } = service.requests[0];
    assert.deepEqual(JSON.parse(fields.metadata), { order: "A-17" });
    const seconds = (Date.parse(fields.expiry) - before) / 1000;
    assert.ok(seconds >= 599 && seconds < 605, String(seconds));
  }
  await run("directUpload");
  if (!real) {
    const seconds = (Date.parse(service.requests.at(-1).fields.expiry) - before) / 1000;
    assert.ok(seconds >= 1799 && seconds < 1810, String(seconds));
  }
  for (const expiresIn of [119, 21_601, "600s"]) await assert.rejects(run("directUpload", { options: { expiresIn } }), { code: 5400 });
});

test("a signed URL is made by the service", async (t) => {
  const { run } = await start(t);
  const { id } = await run("upload", {}, picture);
  const url = new URL(await run("signedUrl", { id, options: { variant: "public" } }));
  assert.match(url.searchParams.get("sig"), /^[0-9a-f]{64}$/);
  assert.equal(url.searchParams.get("exp"), null, "no end unless asked for");
  const ending = new URL(await run("signedUrl", { id, options: { variant: "public", expiresIn: 60, keyName: "default" } }));
  const left = Number(ending.searchParams.get("exp")) - Date.now() / 1000;
  assert.ok(left > 50 && left < 65, String(left));
  await assert.rejects(run("signedUrl", { id, options: { variant: "nowhere" } }), { code: 5401 });
  await assert.rejects(run("signedUrl", { id, options: { variant: "public", keyName: "nobody" } }), { code: 5404 });
  await assert.rejects(run("signedUrl", { id: "nothing", options: { variant: "public" } }), { code: 5404 });
  await assert.rejects(run("signedUrl", { id, options: {} }), { code: 5400 });
  await assert.rejects(run("signedUrl", { id, options: { variant: "public", expiresIn: -1 } }), { code: 5400 });
});

test("without the flag, the code of an error is still in its words", async (t) => {
  const { run } = await start(t, { errorCodes: false });
  await assert.rejects(run("update", { id: "nothing", options: {} }), { message: "IMAGES_HOSTED_ERROR 5404: Image not found: nothing" });
});

test("topology C carries hosted images too, with codes", async (t) => {
  const { run } = await start(t, { topology: "C" });
  const { id } = await run("upload", {}, picture);
  assert.deepEqual((await run("bytes", { id })).bytes, picture);
  await assert.rejects(run("update", { id: "nothing", options: {} }), { code: 5404 });
});

test("two calls on one handle both run", async (t) => {
  const { run } = await start(t);
  await run("upload", { options: { id: "first" } }, picture);
  const [details, gone] = await run("handlesCostNothing");
  assert.equal(details.id, "first");
  assert.equal(gone, true);
});

test("account and token are the ones that were set", { skip: real && "the socket of the service needs no token" }, async (t) => {
  const service = await startHostedDouble(t, { account: "9f2c51d84be04a17a3d60e7785c1b2aa", token: "se\"cret" });
  const options = { socket: service.socket, cases, account: "9f2c51d84be04a17a3d60e7785c1b2aa" };
  const with_ = await startWorkerd(t, { ...options, token: 'se"cret' });
  assert.deepEqual(await with_.run("list"), { images: [], listComplete: true });
  const without = await startWorkerd(t, options);
  await assert.rejects(without.run("list"), { code: 10000 });
  assert.ok(!("authorization" in service.requests.at(-1).headers), "no token, no header");
});

test("an answer before the end of an upload is heard, and the upload stops", { skip: real && "needs a service that refuses early" }, async (t) => {
  const socket = join(temporaryDirectory(t), "early.sock");
  const server = createServer((request, response) => {
    request.resume();
    const body = JSON.stringify({ result: null, success: false, errors: [{ code: 5413, message: "Maximum image size of 10 MB reached" }] });
    response.writeHead(413, { "content-type": "application/json" }).end(body);
  });
  await new Promise((resolve) => server.listen(socket, resolve));
  atEnd(t, () => (server.closeAllConnections(), server.close()));
  const worker = await startWorkerd(t, { socket, cases });
  for (let n = 0; n < 5; n++) {
    const { code, message, pulled } = await worker.run("uploadWithoutEnd");
    assert.equal(code, 5413, message);
    assert.ok(pulled < 100e6, `read on for ${pulled} bytes`);
  }
});

test("a service that goes away in the middle is an error with a number", { skip: real && "needs a service that goes away" }, async (t) => {
  const socket = join(temporaryDirectory(t), "gone.sock");
  const server = createServer((request) => request.once("data", () => request.socket.destroy()));
  await new Promise((resolve) => server.listen(socket, resolve));
  atEnd(t, () => (server.closeAllConnections(), server.close()));
  const worker = await startWorkerd(t, { socket, cases });
  const { code, message } = await worker.run("uploadWithoutEnd");
  assert.equal(code, 9502, message);
});

test("uploads are not collected: the service gets its first bytes while the source still waits", { skip: real && "needs to look into the service" }, async (t) => {
  const service = await startHostedDouble(t);
  const worker = await startWorkerd(t, { socket: service.socket, cases });
  let more;
  const source = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(70_000));
      more = controller;
    },
  });
  const done = worker.run("upload", source);
  while (service.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  more.enqueue(new Uint8Array(30_000));
  more.close();
  const { id } = await done;
  assert.equal(service.images.get(id).bytes.length, 100_000);
});
