// The user's configuration; which of the two packages is under test, the picture and the socket come from outside.
import { miniflareImages } from "@calotype/workers";
import { defineConfig } from "vitest/config";

const { cloudflareTest } = await import(process.env.TEST_POOL);

export default defineConfig({
  plugins: [
    cloudflareTest({
      miniflare: {
        compatibilityDate: "2026-07-01",
        bindings: { PICTURE: process.env.TEST_PICTURE },
        ...miniflareImages("IMAGES", { binary: process.env.TEST_BINARY }),
      },
    }),
  ],
  test: { include: ["images.spec.mjs"] },
});
