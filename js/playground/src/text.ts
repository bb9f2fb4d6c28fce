// Numbers for people.

/** `1.2 MB`, `62.4 kB`, `812 B`; thousands are powers of ten, as in file managers and HTTP. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 999_950) return `${(count / 1000).toFixed(count < 99_950 ? 1 : 0)} kB`;
  return `${(count / 1_000_000).toFixed(count < 99_950_000 ? 2 : 0)} MB`;
}

/** `84 ms`, `1.3 s`. */
export function duration(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `12 %`, and a digit more where it is little. */
export function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** `WebP` for `image/webp`. */
export function formatName(mime: string): string {
  const names: Record<string, string> = {
    "image/avif": "AVIF",
    "image/webp": "WebP",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/svg+xml": "SVG",
    "application/json": "JSON",
  };
  return names[mime] ?? mime.replace(/^image\//, "").toUpperCase();
}

/** `800 × 533`. */
export function dimensions(size: { width: number; height: number }): string {
  return `${size.width} × ${size.height}`;
}

/** At most three decimals, none that are zero. */
export function decimal(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
