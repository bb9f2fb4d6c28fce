// What Vite does to Astro's image service before it runs, as loader hooks of Node: `astro/assets` is found, `import.meta.env` has a value.

const ASSETS = "astro/assets";
const SERVICE = "@astrojs/cloudflare/dist/entrypoints/image-service-external.js";
// The base service brings what does not concern URLs: attributes of <img>, checks of options. The second is Astro's test for an imported file.
const STAND_IN = `export const baseService = {};
export const isESMImportedImage = (src) => typeof src === "object" || (typeof src === "function" && "src" in src);`;

export async function resolve(specifier, context, next) {
  if (specifier === ASSETS || specifier === `${ASSETS}/utils`) {
    return { url: `data:text/javascript,${encodeURIComponent(STAND_IN)}`, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith(SERVICE)) return loaded;
  const source = String(loaded.source);
  if (!source.includes("import.meta.env.BASE_URL")) throw new Error("Astro's image service reads its base path by other means now");
  return { ...loaded, source: source.replaceAll("import.meta.env.BASE_URL", "globalThis.ASTRO_BASE_URL") };
}
