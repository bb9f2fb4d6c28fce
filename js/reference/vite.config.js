import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const component = createRequire(import.meta.url).resolve("openapi-explorer/package.json");

export default {
  base: "/client/v4/docs/",
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1024 },
  plugins: [
    {
      // What is given on goes with its licence.
      name: "licence",
      async generateBundle() {
        const source = await readFile(component.replace("package.json", "LICENSE"));
        this.emitFile({ type: "asset", fileName: "openapi-explorer.LICENSE.txt", source });
      },
    },
  ],
};
