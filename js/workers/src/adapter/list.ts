import type { ImageList, ImageListOptions, ImageMetadata } from "../binding.js";
import { badRequest } from "./errors.js";
import { filterParameters } from "./filter.js";
import { result, type Service } from "./service.js";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1000;

export async function list(service: Service, options: ImageListOptions = {}): Promise<ImageList> {
  const limit = options.limit ?? LIMIT_DEFAULT;
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) throw badRequest(`limit has to be a whole number from 1 to ${LIMIT_MAX}`);
  // Ascending is the binding's default and descending the REST interface's, so it is always said.
  const sortOrder = options.sortOrder ?? "asc";
  if (sortOrder !== "asc" && sortOrder !== "desc") throw badRequest("sortOrder has to be 'asc' or 'desc'");
  const query = new URLSearchParams({ per_page: String(limit), sort_order: sortOrder });
  if (options.cursor !== undefined) query.set("continuation_token", options.cursor);
  if (options.creator !== undefined) query.set("creator", options.creator);
  for (const [name, value] of filterParameters(options)) query.append(name, value);
  const page = await result<{ images: ImageMetadata[]; continuation_token?: string | null }>(await service.images(`v2?${query}`));
  const cursor = page.continuation_token;
  return cursor ? { images: page.images, cursor, listComplete: false } : { images: page.images, listComplete: true };
}
