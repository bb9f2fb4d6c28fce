// Compiled, never run: what a user's TypeScript says of the binding, and what it must not be able to say.
import type { ImagesBinding, ImagesError } from "../src/binding.js";

export async function everything(images: ImagesBinding, stream: ReadableStream<Uint8Array>): Promise<Response> {
  const info = await images.info(stream);
  if ("fileSize" in info) info.width.toFixed();
  const layer = images.text("Hello", { font: { url: "https://example.com/a.woff2" }, size: 12, color: "red" });
  const result = await images
    .input(stream, { encoding: "base64" })
    .transform({ width: 100, fit: "cover", gravity: { x: 0.5, y: 0.5, mode: "box-center" }, trim: { border: { keep: 1 } } })
    .draw(layer.transform({ rotate: 90 }), { top: 1, left: 2, repeat: "x", composite: "atop" })
    .draw(stream)
    .output({ format: "image/avif", quality: "high", anim: false });
  // @ts-expect-error a format that there is not
  images.input(stream).output({ format: "image/tiff" });
  // @ts-expect-error a format has to be given
  images.input(stream).output({});

  const { hosted } = images;
  const { id } = await hosted.upload(new ArrayBuffer(8), { metadata: { a: { b: 1 } }, encoding: "base64" });
  const handle = hosted.image(id);
  const [details, bytes, gone] = [await handle.details(), await handle.bytes(), await handle.delete()];
  details?.variants.join();
  bytes?.getReader();
  if (gone) return new Response((await handle.signedUrl({ variant: "public", expiresIn: 60 })).toUpperCase());
  const page = await hosted.list({ filter: { metadata: { "a.b": { gte: 1 }, on: true } }, sortOrder: "desc", cursor: "x" });
  await hosted.list({ metadataFilter: { a: { in: ["x", "y"] } } });
  // @ts-expect-error an operator that there is not
  await hosted.list({ filter: { metadata: { a: { near: 1 } } } });
  if (!page.listComplete) page.cursor?.length.toFixed();
  await hosted.createDirectUpload({ expiresIn: 600 }).catch((error: ImagesError) => error.code.toFixed());
  return result.response({ headers: { "cache-control": "no-store" } });
}
