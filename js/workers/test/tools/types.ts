// Compiled, never run: what we give fits what the tools take.
import { cloudflare } from "@cloudflare/vite-plugin";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { cloudflareTest as cloudflareTestOfPool } from "@cloudflare/vitest-pool-workers";
import { Miniflare as Miniflare5 } from "miniflare";
import { Miniflare as Miniflare4 } from "miniflare-4";
import { localImages, miniflareEnv, miniflareImages } from "../../src/index.js";

export const all = [
  cloudflare({ config: localImages({ socket: "/run/images.sock", binding: "PICTURES" }) }),
  cloudflareTest({ miniflare: miniflareImages("IMAGES") }),
  cloudflareTestOfPool({ miniflare: { bindings: { A: 1 }, ...miniflareImages("IMAGES", { data: "./images" }) } }),
  new Miniflare4({ modules: true, script: "", ...miniflareImages() }),
  new Miniflare5({
    workers: [
      {
        config: {
          name: "user",
          compatibilityDate: "2026-07-01",
          manifest: { mainModule: "a.mjs", modules: { "a.mjs": { type: "esm", contents: "" } } },
          env: miniflareEnv("IMAGES"),
        },
      },
    ],
  }),
];

// @ts-expect-error an option that there is not
localImages({ sokcet: "/run/images.sock" });
