import { RpcTarget } from "cloudflare:workers";
import type { ImageMetadata, ImageSignedUrlOptions, ImageUpdateOptions } from "../binding.js";
import { badRequest, ImagesError } from "./errors.js";
import { errorOf, isNotFound, result, resultIfFound, type Service } from "./service.js";

/** One hosted image. Made without a request; each method sends one. */
export class ImageHandle extends RpcTarget {
  readonly #service: Service;
  readonly #id: string;
  /** Its path below `images/`, or `undefined` for an id that no image can have. */
  readonly #path: string | undefined;

  constructor(service: Service, id: string) {
    super();
    this.#service = service;
    this.#id = id;
    this.#path = imagePath(id);
  }

  async details(): Promise<ImageMetadata | null> {
    if (this.#path === undefined) return null;
    return (await resultIfFound<ImageMetadata>(await this.#service.images(this.#path))) ?? null;
  }

  async bytes(): Promise<ReadableStream<Uint8Array> | null> {
    if (this.#path === undefined) return null;
    const response = await this.#service.images(`${this.#path}/blob`);
    if (response.ok) return response.body ?? new Blob([]).stream();
    const error = await errorOf(response);
    if (isNotFound(response, error)) return null;
    throw error;
  }

  async update(options?: ImageUpdateOptions): Promise<ImageMetadata> {
    if (this.#path === undefined) throw this.#notFound();
    const { requireSignedURLs, metadata, creator } = options ?? {};
    const response = await this.#service.images(this.#path, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ requireSignedURLs, metadata, creator }),
    });
    const image = await resultIfFound<ImageMetadata>(response);
    if (image === undefined) throw this.#notFound();
    return image;
  }

  async delete(): Promise<boolean> {
    if (this.#path === undefined) return false;
    return (await resultIfFound(await this.#service.images(this.#path, { method: "DELETE" }))) !== undefined;
  }

  async signedUrl(options: ImageSignedUrlOptions): Promise<string> {
    const { variant, expiresIn, keyName } = options ?? {};
    if (typeof variant !== "string" || variant === "") throw badRequest("signedUrl needs the name of a variant");
    if (expiresIn !== undefined && !(Number.isInteger(expiresIn) && expiresIn > 0)) {
      throw badRequest("expiresIn has to be a whole number of seconds, 1 or more");
    }
    const response = await this.#service.send("/binding/signed-url", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ account: this.#service.account, id: this.#id, variant, expiresIn, keyName: keyName ?? "default" }),
    });
    return (await result<{ url: string }>(response)).url;
  }

  #notFound(): ImagesError {
    return new ImagesError(5404, `Image not found: ${this.#id}`);
  }
}

/** Names that mean something else on the REST interface, and so are refused as ids. */
const RESERVED = new Set(["keys", "stats", "variants", "config", "batch_token", "direct_upload"]);

/**
 * The path of an image below `images/`. The id is one segment, with its slashes encoded: as several, an id that ends in `/blob` would name the bytes of
 * another image. What no id can be would name another route, or, as dots, the one above.
 */
function imagePath(id: string): string | undefined {
  if (typeof id !== "string") throw badRequest("an image id has to be a string");
  if (id === "" || id === "." || id === ".." || RESERVED.has(id)) return undefined;
  try {
    return `v1/${encodeURIComponent(id)}`;
  } catch {
    return undefined; // half a surrogate pair is no character
  }
}
