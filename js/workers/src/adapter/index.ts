/**
 * The Worker between the runtime's Images binding and Calotype: the binding's inner `fetcher`.
 *
 * Transforms pass through it as they are. Calls on hosted images arrive as JavaScript RPC and leave as plain HTTP on the same socket.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type {
  ImageDirectUploadOptions,
  ImageDirectUploadResult,
  ImageList,
  ImageListOptions,
  ImageMetadata,
  ImageUpdateOptions,
  ImageUploadOptions,
} from "../binding.js";
import { createDirectUpload } from "./direct-upload.js";
import { ImageHandle } from "./handle.js";
import { list } from "./list.js";
import { type AdapterEnv, Service } from "./service.js";
import { upload } from "./upload.js";

export default class ImagesAdapter extends WorkerEntrypoint<AdapterEnv> {
  /** `POST /info` and `POST /transform`, unchanged. */
  override async fetch(request: Request): Promise<Response> {
    try {
      return await this.env.BACKEND.fetch(request);
    } catch {
      const text = "ERROR 9502: the image service cannot be reached; is Calotype running?";
      return new Response(text, { status: 502, headers: { "content-type": "text/plain", "cf-images-binding": "err=9502" } });
    }
  }

  // Not `async`: its result is used before it is there.
  image(id: string): ImageHandle {
    return new ImageHandle(new Service(this.env), id);
  }

  upload(image: unknown, options?: ImageUploadOptions): Promise<ImageMetadata> {
    return upload(new Service(this.env), image, options);
  }

  list(options?: ImageListOptions): Promise<ImageList> {
    return list(new Service(this.env), options);
  }

  createDirectUpload(options?: ImageDirectUploadOptions): Promise<ImageDirectUploadResult> {
    return createDirectUpload(new Service(this.env), options);
  }

  // Runtimes of early 2026 have these on the binding itself.

  details(id: string): Promise<ImageMetadata | null> {
    return this.image(id).details();
  }

  update(id: string, options?: ImageUpdateOptions): Promise<ImageMetadata> {
    return this.image(id).update(options);
  }

  delete(id: string): Promise<boolean> {
    return this.image(id).delete();
  }
}
