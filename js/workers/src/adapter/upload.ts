import type { ImageMetadata, ImageUploadOptions } from "../binding.js";
import { base64Decoder } from "./base64.js";
import { badRequest, ImagesError } from "./errors.js";
import { streamedForm } from "./form.js";
import { result, type Service } from "./service.js";

/** The name that a file without one gets. */
const FILENAME = "uploaded.jpg";

/** Sends an image to the service as it comes in. */
export async function upload(service: Service, image: unknown, options: ImageUploadOptions = {}): Promise<ImageMetadata> {
  let source = streamOf(image);
  if (options.encoding === "base64") source = source.pipeThrough(base64Decoder());
  else if (options.encoding !== undefined) throw badRequest(`unknown encoding '${String(options.encoding)}'; 'base64' is the only one`);
  const form = streamedForm(
    [
      ["id", options.id],
      ["metadata", options.metadata === undefined ? undefined : JSON.stringify(options.metadata)],
      ["requireSignedURLs", options.requireSignedURLs === undefined ? undefined : String(options.requireSignedURLs)],
      ["creator", options.creator],
    ],
    { name: options.filename ?? FILENAME, source },
  );
  const answer = service.images("v1", { method: "POST", headers: { "content-type": form.contentType }, body: form.body });
  // An answer may come before the end; a source that fails leaves a broken form behind, and says more than the answer to that.
  const failed = form.sent.then(
    () => answer,
    (error: unknown) => {
      throw sourceFailure(error);
    },
  );
  failed.catch(() => undefined);
  try {
    return await result<ImageMetadata>(await Promise.race([answer, failed]));
  } catch (error) {
    answer.catch(() => undefined);
    if (form.sourceFailed()) await failed;
    throw error;
  }
}

/** What the runtime tells about a stream that came over RPC is only that it ended; what the decoder tells is more. */
function sourceFailure(error: unknown): ImagesError {
  if (error instanceof ImagesError) return error;
  return new ImagesError(5450, `the image could not be read to its end: ${error instanceof Error ? error.message : String(error)}`);
}

function streamOf(image: unknown): ReadableStream<Uint8Array> {
  if (image instanceof ReadableStream) return image as ReadableStream<Uint8Array>;
  if (image instanceof ArrayBuffer) return streamOfBytes(new Uint8Array(image));
  if (ArrayBuffer.isView(image)) return streamOfBytes(new Uint8Array(image.buffer, image.byteOffset, image.byteLength));
  if (typeof image === "string") return streamOfBytes(new TextEncoder().encode(image));
  throw badRequest("an upload has to be a ReadableStream, an ArrayBuffer or a typed array");
}

function streamOfBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
