import { defineConfig } from "vitest/config";

// `vite dev` serves the page and asks a running server for everything else.
const server = process.env.CALOTYPE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: process.env.PLAYGROUND_BASE ?? "/-/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: { target: "es2022", assetsInlineLimit: 0, reportCompressedSize: true },
  server: {
    proxy: {
      "/cdn-cgi": server,
      "/-/upload": server,
    },
  },
  test: { include: ["tests/unit/**/*.test.ts"] },
});
