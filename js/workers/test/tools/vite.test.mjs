// The Vite plugin, in a dev server; the user's configuration has `images` as it is deployed.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cloudflare } from "@cloudflare/vite-plugin";
import { createServer } from "vite";
import { calotype, localImages } from "../../dist/index.js";
import { atEnd, BINARY, temporaryDirectory } from "../support/calotype.mjs";
import { picture, read, TURNED, worker } from "../support/sample.mjs";
import { call } from "../support/workerd.mjs";

test("the Vite plugin transforms with Calotype in the place of its own images", async (t) => {
  const options = { binary: BINARY };
  atEnd(t, async () => (await calotype(options)).stop());
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "worker.mjs"), worker);
  const config = { name: "shop", main: "worker.mjs", compatibility_date: "2026-07-01", images: { binding: "IMAGES" } };
  writeFileSync(join(directory, "wrangler.json"), JSON.stringify(config));
  const server = await createServer({
    root: directory,
    configFile: false,
    logLevel: "error",
    server: { port: 0, host: "127.0.0.1" },
    plugins: [cloudflare({ config: localImages(options), inspectorPort: false, persistState: false })],
  });
  atEnd(t, () => server.close());
  await server.listen();
  const turned = await call(`http://127.0.0.1:${server.httpServer.address().port}/?case=turned`, picture);
  assert.deepEqual(read(turned.bytes), TURNED);
  assert.deepEqual(JSON.parse(readFileSync(join(directory, "wrangler.json"), "utf8")), config, "the file is as it was");
});
