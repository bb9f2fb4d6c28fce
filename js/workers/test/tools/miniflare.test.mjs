// Miniflare 4 and 5, through their own interfaces.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Miniflare as Miniflare5 } from "miniflare";
import { Miniflare as Miniflare4 } from "miniflare-4";
import { calotype, miniflareEnv, miniflareImages } from "../../dist/index.js";
import { BINARY } from "../support/calotype.mjs";
import { startHostedDouble } from "../support/hosted-double.mjs";
import { picture, read, TURNED, worker } from "../support/sample.mjs";
import { call } from "../support/workerd.mjs";

/** The two generations take the same Worker and options in different forms. */
const generations = {
  "Miniflare 4": (options) => new Miniflare4({ modules: true, script: worker, compatibilityDate: "2026-07-01", ...miniflareImages("IMAGES", options) }),
  "Miniflare 5": (options) =>
    new Miniflare5({
      workers: [
        {
          config: {
            name: "user",
            compatibilityDate: "2026-07-01",
            manifest: { mainModule: "user.mjs", modules: { "user.mjs": { type: "esm", contents: worker } } },
            env: miniflareEnv("IMAGES", options),
          },
        },
      ],
    }),
};

for (const [name, start] of Object.entries(generations)) {
  test(`${name} transforms with a service of its own, in the Worker and from Node`, async (t) => {
    const options = { binary: BINARY };
    t.after(async () => (await calotype(options)).stop());
    const miniflare = start(options);
    t.after(() => miniflare.dispose());
    const url = await miniflare.ready;
    const turned = await call(`${url}?case=turned`, picture);
    assert.deepEqual(read(turned.bytes), TURNED);

    const { IMAGES } = await miniflare.getBindings();
    assert.deepEqual(await IMAGES.info(new Blob([picture]).stream()), { format: "image/png", fileSize: picture.length, width: 2, height: 2 });
  });

  test(`${name} carries hosted images, and their errors with codes`, async (t) => {
    const { socket } = await startHostedDouble(t);
    const miniflare = start({ socket });
    t.after(() => miniflare.dispose());
    const url = await miniflare.ready;
    assert.equal(await call(`${url}?case=missing`), null);
    await assert.rejects(call(`${url}?case=update`), { code: 5404 });
  });
}
