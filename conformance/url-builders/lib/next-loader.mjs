// A loader for next/image as Cloudflare's documentation of framework integration describes it: the width that Next asks for, the quality where one is
// given, and a source that keeps only one slash between itself and the options.

const normalizeSrc = (src) => src.replace(/^\//, "");

export default function cloudflareLoader({ src, width, quality }) {
  const params = [`width=${width}`];
  if (quality) params.push(`quality=${quality}`);
  return `/cdn-cgi/image/${params.join(",")}/${normalizeSrc(src)}`;
}

/** The older form of the same page, still in many applications: automatic format, a quality always. */
export function autoFormatLoader({ src, width, quality }) {
  const params = [`width=${width}`, `quality=${quality || 75}`, "format=auto"];
  return `/cdn-cgi/image/${params.join(",")}/${normalizeSrc(src)}`;
}
