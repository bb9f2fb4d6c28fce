/**
 * The Images binding as a Worker sees it. Wrangler writes `any` for a binding that is set up by a plugin; declare it with these:
 *
 * ```ts
 * import type { ImagesBinding } from "@calotype/workers";
 * interface Env { IMAGES: ImagesBinding }
 * ```
 */
export interface ImagesBinding {
  /** What an image is. Rejects with code 9412 if it is none. */
  info(image: ReadableStream<Uint8Array>, options?: ImageInputOptions): Promise<ImageInfo>;
  /** Begins a chain of transforms on an image. */
  input(image: ReadableStream<Uint8Array>, options?: ImageInputOptions): ImageTransformer;
  /** Begins a chain of transforms on a text that is drawn as an image. */
  text(content: string, options: ImageTextOptions): ImageTransformer;
  /** Images that the service keeps. */
  readonly hosted: HostedImagesBinding;
}

export type ImageInfo = { format: "image/svg+xml" } | { format: string; fileSize: number; width: number; height: number };

export interface ImageInputOptions {
  /** The bytes are base64 text. */
  encoding?: "base64";
}

export interface ImageTextOptions {
  /** URL of a TrueType, OpenType, WOFF or WOFF2 file. */
  font: { url: string };
  /** In points. */
  size?: number;
  /** A CSS colour. */
  color?: string;
}

export interface ImageTransformer {
  /** Adds a transform. Transforms run in the order they are given. */
  transform(transform: ImageTransform): ImageTransformer;
  /** Draws an image, or the result of another chain, onto this one. */
  draw(image: ReadableStream<Uint8Array> | ImageTransformer, options?: ImageDrawOptions): ImageTransformer;
  /** Runs the chain. A chain can be run, or drawn, once. */
  output(options: ImageOutputOptions): Promise<ImageTransformationResult>;
}

export interface ImageTransform {
  width?: number;
  height?: number;
  fit?: "scale-down" | "contain" | "pad" | "squeeze" | "cover" | "crop";
  gravity?:
    | "face"
    | "left"
    | "right"
    | "top"
    | "bottom"
    | "center"
    | "auto"
    | "entropy"
    | { x?: number; y?: number; mode?: "remainder" | "box-center" };
  /** How close to crop around faces, from 0 to 1. */
  zoom?: number;
  rotate?: 0 | 90 | 180 | 270;
  flip?: "h" | "v" | "hv";
  /** A CSS colour. */
  background?: string;
  trim?:
    | "border"
    | {
        top?: number;
        right?: number;
        bottom?: number;
        left?: number;
        width?: number;
        height?: number;
        border?: boolean | { color?: string; tolerance?: number; keep?: number };
      };
  border?:
    | { color?: string; width?: number }
    | { color?: string; top?: number; right?: number; bottom?: number; left?: number };
  /** Radius, from 1 to 250. */
  blur?: number;
  sharpen?: number;
  brightness?: number;
  contrast?: number;
  gamma?: number;
  saturation?: number;
  segment?: "foreground";
}

export interface ImageDrawOptions {
  /** From 0 (not to be seen) to 1. */
  opacity?: number;
  /** Tiles the image, in both directions or in one. */
  repeat?: boolean | "x" | "y";
  composite?: "over" | "in" | "atop" | "out" | "xor" | "lighter";
  /** Distances from the sides, in pixels. `left` and `right` exclude each other, as do `top` and `bottom`. */
  top?: number;
  left?: number;
  bottom?: number;
  right?: number;
}

export interface ImageOutputOptions {
  format: "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif" | "rgb" | "rgba";
  /** From 1 to 100, or a perceptual level. */
  quality?: number | "low" | "medium-low" | "medium-high" | "high";
  /** A CSS colour below what is not opaque. */
  background?: string;
  /** `false` keeps the first frame of an animation alone. */
  anim?: boolean;
}

export interface ImageTransformationResult {
  /** The image as a response, with the headers given and its own content type. */
  response(options?: { headers?: HeadersInit }): Response;
  contentType(): string;
  image(options?: { encoding?: "base64" }): ReadableStream<Uint8Array>;
}

export interface HostedImagesBinding {
  /** A handle of one image; sends nothing by itself. */
  image(id: string): HostedImage;
  upload(image: ReadableStream<Uint8Array> | ArrayBuffer, options?: ImageUploadOptions): Promise<ImageMetadata>;
  list(options?: ImageListOptions): Promise<ImageList>;
  /** Makes a URL that an end user can upload one image to. */
  createDirectUpload(options?: ImageDirectUploadOptions): Promise<ImageDirectUploadResult>;
}

export interface HostedImage {
  /** `null` if there is no such image. */
  details(): Promise<ImageMetadata | null>;
  /** The original as it was uploaded; `null` if there is no such image. */
  bytes(): Promise<ReadableStream<Uint8Array> | null>;
  update(options: ImageUpdateOptions): Promise<ImageMetadata>;
  /** `false` if there was no such image. */
  delete(): Promise<boolean>;
  signedUrl(options: ImageSignedUrlOptions): Promise<string>;
}

export interface ImageMetadata {
  id: string;
  filename?: string;
  /** When it was uploaded, ISO 8601. */
  uploaded?: string;
  requireSignedURLs: boolean;
  meta?: Record<string, unknown>;
  /** URLs, one for each variant. */
  variants: string[];
  /** A direct upload that has not happened yet. */
  draft?: boolean;
  creator?: string;
}

export interface ImageUploadOptions {
  id?: string;
  filename?: string;
  requireSignedURLs?: boolean;
  metadata?: Record<string, unknown>;
  creator?: string;
  /** The bytes are base64 text. */
  encoding?: "base64";
}

export interface ImageUpdateOptions {
  requireSignedURLs?: boolean;
  /** Replaces what there was. */
  metadata?: Record<string, unknown>;
  creator?: string;
}

export interface ImageSignedUrlOptions {
  /** Name of a variant. */
  variant: string;
  /** Seconds. Without it the URL does not expire. */
  expiresIn?: number;
  /** Name of the signing key, `default` if not given. */
  keyName?: string;
}

export interface ImageDirectUploadOptions {
  id?: string;
  requireSignedURLs?: boolean;
  metadata?: Record<string, unknown>;
  creator?: string;
  /** Seconds, from 120 to 21600; 1800 if not given. */
  expiresIn?: number;
}

export interface ImageDirectUploadResult {
  id: string;
  uploadURL: string;
}

export interface ImageListOptions {
  /** From 1 to 1000; 50 if not given. */
  limit?: number;
  cursor?: string;
  /** By time of upload; `asc` if not given. */
  sortOrder?: "asc" | "desc";
  creator?: string;
  filter?: { metadata?: Record<string, ImageMetadataCondition> };
  /** The same as `filter.metadata`. */
  metadataFilter?: Record<string, ImageMetadataCondition>;
}

/** A value that has to be equal, or operators that have to hold, all of them. At most five operators in one call. */
export type ImageMetadataCondition =
  | string
  | number
  | boolean
  | { eq?: string | number | boolean; in?: string[] | number[]; gt?: number; gte?: number; lt?: number; lte?: number };

export interface ImageList {
  images: ImageMetadata[];
  /** Where the next page begins; absent on the last one. */
  cursor?: string;
  listComplete: boolean;
}

/** What calls reject with. */
export interface ImagesError extends Error {
  readonly code: number;
}
