import type { ImageDirectUploadOptions, ImageDirectUploadResult } from "../binding.js";
import { badRequest } from "./errors.js";
import { textForm } from "./form.js";
import { result, type Service } from "./service.js";

const EXPIRES_IN_S_MIN = 120;
const EXPIRES_IN_S_MAX = 21_600;
const EXPIRES_IN_S_DEFAULT = 1800;

export async function createDirectUpload(service: Service, options: ImageDirectUploadOptions = {}): Promise<ImageDirectUploadResult> {
  const expiresIn = options.expiresIn ?? EXPIRES_IN_S_DEFAULT;
  if (!(expiresIn >= EXPIRES_IN_S_MIN && expiresIn <= EXPIRES_IN_S_MAX)) {
    throw badRequest(`expiresIn has to be a number of seconds from ${EXPIRES_IN_S_MIN} to ${EXPIRES_IN_S_MAX}`);
  }
  const form = textForm([
    ["id", options.id],
    ["metadata", options.metadata === undefined ? undefined : JSON.stringify(options.metadata)],
    ["requireSignedURLs", options.requireSignedURLs === undefined ? undefined : String(options.requireSignedURLs)],
    ["creator", options.creator],
    ["expiry", new Date(Date.now() + expiresIn * 1000).toISOString()],
  ]);
  const response = await service.images("v2/direct_upload", {
    method: "POST",
    headers: { "content-type": form.contentType },
    body: form.body,
  });
  const { id, uploadURL } = await result<ImageDirectUploadResult>(response);
  return { id, uploadURL };
}
