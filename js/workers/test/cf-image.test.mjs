// fetch(url, { cf: { image } }) in the real runtime: the second door.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd, startCalotype, temporaryDirectory } from "./support/calotype.mjs";
import { flat, fromLetters, pngSize, RED } from "./support/pictures.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const PNG = { "content-type": "image/png", "cache-control": "max-age=60", "set-cookie": "a=b" };

/** An origin of pictures; `seen` are the heads of all requests to it. */
async function startOrigin(t) {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    const path = request.url.split("?")[0];
    if (path === "/picture.png") return response.writeHead(200, PNG).end(fromLetters(["rg", "bw"]));
    if (path === "/wide.png") return response.writeHead(200, PNG).end(flat(40, 20, RED));
    if (path === "/private.png") {
      if (request.headers.authorization !== "Bearer open") return response.writeHead(403).end("no");
      return response.writeHead(200, PNG).end(flat(3, 3, RED));
    }
    if (path === "/moved.png") return response.writeHead(302, { location: "/private.png" }).end();
    if (path === "/away.png") return response.writeHead(302, { location: `http://127.0.0.2:${server.address().port}/picture.png` }).end();
    if (path === "/text") return response.writeHead(200, { "content-type": "text/plain" }).end("no image");
    if (path === "/echo") return response.writeHead(201, { "content-type": "text/plain" }).end(`${request.method} ${request.headers["x-mine"]}`);
    return response.writeHead(404).end("nothing");
  });
  await new Promise((resolve) => server.listen(0, "0.0.0.0", resolve));
  atEnd(t, () => (server.closeAllConnections(), server.close()));
  return { seen, url: `http://127.0.0.1:${server.address().port}` };
}

const cases = {
  async fetch(_, request) {
    const { url, init } = await request.json();
    return fetch(url, init);
  },
};

async function start(t, arguments_ = ["--allow-private", "--allow-origin", "any"]) {
  const origin = await startOrigin(t);
  const outboundSocket = join(temporaryDirectory(t), "out.sock");
  const { socket } = await startCalotype(t, ["--workers-outbound-socket", outboundSocket, ...arguments_]);
  const worker = await startWorkerd(t, { socket, outboundSocket, cases, privateNetwork: true });
  const get = (url, init) => worker.run("fetch", JSON.stringify({ url: new URL(url, origin.url).href, init }));
  return { origin, get, image: (url, image, init) => get(url, { ...init, cf: { image } }), outboundSocket };
}

test("a picture elsewhere is fetched and transformed", async (t) => {
  const { origin, image } = await start(t);
  const wide = await image("/wide.png", { width: 10, format: "png" }, { headers: { accept: "image/avif", cookie: "secret=1", "x-mine": "2", authorization: "Bearer open" } });
  assert.equal(wide.status, 200);
  assert.equal(wide.type, "image/png");
  assert.deepEqual(pngSize(wide.bytes), [10, 5]);
  assert.match(wide.headers.get("cf-resized"), /^internal=ok\/m /);
  assert.equal(wide.headers.get("cache-control"), "max-age=60");
  assert.equal(wide.headers.get("set-cookie"), null);
  assert.equal(wide.headers.get("link"), null);

  const [{ method, url, headers }] = origin.seen;
  assert.deepEqual([method, url], ["GET", "/wide.png"]);
  for (const name of ["cookie", "authorization", "x-mine", "cf-blob"]) assert.equal(headers[name], undefined, name);
  assert.match(headers.via, /image-resizing-proxy/);

  const automatic = await image("/wide.png", { width: 10, format: "auto" }, { headers: { accept: "image/webp,*/*" } });
  assert.equal(automatic.type, "image/webp");
});

test("nested options arrive whole", async (t) => {
  const { origin, image } = await start(t);
  const drawn = await image("/picture.png?a=1&b=%2F", {
    rotate: 90,
    draw: [{ url: `${origin.url}/wide.png`, width: 1, height: 1, fit: "cover", top: 0, left: 0 }],
    format: "png",
  });
  assert.deepEqual(pngSize(drawn.bytes), [2, 2]);
  assert.deepEqual(origin.seen.map(({ url }) => url).sort(), ["/picture.png?a=1&b=%2F", "/wide.png"]);
});

test("credentials go along only when they are to be shared, and not to another host", async (t) => {
  const { origin, image } = await start(t);
  const headers = { authorization: "Bearer open", cookie: "c=1", "cf-access-client-id": "id", "x-api-key": "mine" };
  const closed = await image("/private.png", { width: 2, format: "png" }, { headers });
  assert.equal(closed.status, 403);
  assert.equal(closed.headers.get("cf-resized"), "err=9408");

  const shared = { width: 2, format: "png", "origin-auth": "share-publicly" };
  for (const path of ["/private.png", "/moved.png"]) assert.deepEqual(pngSize((await image(path, shared, { headers })).bytes), [2, 2], path);
  const sent = origin.seen.at(-1).headers;
  assert.equal(sent.cookie, "c=1");
  assert.equal(sent["cf-access-client-id"], "id");
  assert.equal(sent["x-api-key"], undefined);

  assert.equal((await image("/away.png", shared, { headers })).status, 200);
  assert.equal(origin.seen.at(-1).url, "/picture.png");
  assert.equal(origin.seen.at(-1).headers.authorization, undefined);

  const draw = [{ url: `${origin.url}/picture.png?overlay` }];
  await image("/private.png", { ...shared, draw }, { headers });
  const overlay = origin.seen.find(({ url }) => url === "/picture.png?overlay");
  assert.equal(overlay.headers.authorization, undefined, "the credentials are the source's, and no overlay's");
});

test("errors are responses with their status, their number and words", async (t) => {
  const { image } = await start(t);
  for (const [path, options, status, code] of [
    ["/nothing", { width: 5 }, 404, 9404],
    ["/text", { width: 5 }, 415, 9412],
    ["/picture.png", { width: "wide" }, 400, 9401],
    ["/picture.png", { blur: 251 }, 400, 9401],
    ["/picture.png", "width=5", 400, 9401],
    ["/cdn-cgi/image/w=5/picture.png", { width: 5 }, 508, 9403],
    ["http://nothing.invalid/x.png", { width: 5 }, 523, 9407],
  ]) {
    const answer = await image(path, options);
    assert.equal(answer.status, status, `${path} ${JSON.stringify(options)} ${answer.bytes}`);
    assert.equal(answer.headers.get("cf-resized"), `err=${code}`);
    assert.ok(answer.bytes.toString().startsWith(`ERROR ${code}: `), answer.bytes.toString());
  }
  const post = await image("/picture.png", { width: 5 }, { method: "POST", body: "x" });
  assert.equal(post.status, 405);
  const looped = await image("/picture.png", { width: 5 }, { headers: { via: "1.1 image-resizing-proxy" } });
  assert.equal(looped.headers.get("cf-resized"), "err=9403");
});

test("HEAD has the headers of GET, and conditions are heard", async (t) => {
  const { image } = await start(t);
  const options = { width: 10, format: "png" };
  const get = await image("/wide.png", options);
  const head = await image("/wide.png", options, { method: "HEAD" });
  assert.equal(head.bytes.length, 0);
  assert.equal(head.headers.get("etag"), get.headers.get("etag"));
  const unchanged = await image("/wide.png", options, { headers: { "if-none-match": get.headers.get("etag") } });
  assert.equal(unchanged.status, 304);
});

test("what has no cf.image goes out as it would without Calotype", async (t) => {
  const { origin, get } = await start(t);
  const posted = await get("/echo", { method: "POST", headers: { "x-mine": "kept" }, body: "x", cf: { cacheTtl: 5 } });
  assert.equal(posted.status, 201);
  assert.equal(posted.bytes.toString(), "POST kept");
  const untouched = await get("/picture.png");
  assert.deepEqual(untouched.bytes, fromLetters(["rg", "bw"]));
  assert.equal(origin.seen.length, 2);
  for (const { headers } of origin.seen) assert.equal(headers.via, undefined);
});

test("by default no private address and no host that was not named is fetched", async (t) => {
  const guarded = await start(t, ["--allow-origin", "any"]);
  const answer = await guarded.image("/picture.png", { width: 5 });
  assert.equal(answer.headers.get("cf-resized"), "err=9406");
  const unnamed = await start(t, ["--allow-private"]);
  const refused = await unnamed.image("/picture.png", { width: 5 });
  assert.equal(refused.status, 403);
  assert.match(refused.bytes.toString(), /^ERROR 9401: Transformation origin is not in allowed origins list/);
  assert.equal(guarded.origin.seen.length + unnamed.origin.seen.length, 0);
});

test("the socket is its owner's alone, and says what it is for", async (t) => {
  const { origin, outboundSocket } = await start(t);
  assert.equal(statSync(outboundSocket).mode & 0o777, 0o600);
  const ask = (headers, path = "/picture.png") =>
    new Promise((resolve, reject) => {
      const options = { socketPath: outboundSocket, path, headers: { host: new URL(origin.url).host, ...headers } };
      request(options, (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece)).on("end", () => resolve({ status: response.statusCode, bytes: Buffer.concat(pieces) }));
      })
        .on("error", reject)
        .end();
    });
  const plain = await ask({});
  assert.equal(plain.status, 400);
  assert.match(plain.bytes.toString(), /^ERROR 9424: .*outbound Worker/);
  // With `style = host` the URL is in two parts.
  const blob = JSON.stringify({ image: { rotate: 90, format: "png" } });
  assert.deepEqual(pngSize((await ask({ "cf-blob": blob }, "/wide.png")).bytes), [20, 40]);
  assert.equal((await ask({ "cf-blob": "{" })).status, 400);
});
