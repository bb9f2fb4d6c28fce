/** A text field of a form. Fields that are `undefined` are left out. */
export type Field = readonly [name: string, value: string | undefined];

/** A form that is sent while its file is still being read. */
export interface StreamedForm {
  contentType: string;
  body: ReadableStream<Uint8Array>;
  /**
   * Settles when the file has been read to its end, or rejects with what the *source* failed with. A reader of `body` that goes away is no failure:
   * the service may answer before it has read everything, and its answer is what counts.
   */
  sent: Promise<void>;
  /** Whether the source has failed by now. */
  sourceFailed(): boolean;
}

/**
 * A `multipart/form-data` body (RFC 7578) of text fields and one file, as a stream: at no time is more than one piece of the file in memory.
 *
 * If the source fails, the body ends without its closing delimiter, which the service takes for a broken upload.
 */
export function streamedForm(fields: readonly Field[], file: { name: string; source: ReadableStream<Uint8Array> }): StreamedForm {
  const boundary = newBoundary();
  const encoder = new TextEncoder();
  const { readable, writable } = new IdentityTransformStream();
  let failed = false;
  const pump = async (): Promise<void> => {
    const writer = writable.getWriter();
    const reader = file.source.getReader();
    // Whether whoever reads the body still wants it.
    const write = async (bytes: Uint8Array): Promise<boolean> => {
      try {
        await writer.write(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const head = textFields(boundary, fields) + fileHead(boundary, file.name);
    let wanted = await write(encoder.encode(head));
    while (wanted) {
      let piece: ReadableStreamReadResult<Uint8Array>;
      try {
        piece = await reader.read();
      } catch (error) {
        failed = true;
        await writer.abort(error).catch(() => undefined);
        throw error;
      }
      if (piece.done) {
        await write(encoder.encode(`\r\n--${boundary}--\r\n`));
        await writer.close().catch(() => undefined);
        return;
      }
      if (piece.value.byteLength > 0) wanted = await write(piece.value);
    }
    await reader.cancel().catch(() => undefined);
  };
  const sent = pump();
  // Whoever waits for `sent` hears of it; whoever does not need not be told by the runtime.
  sent.catch(() => undefined);
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: readable, sent, sourceFailed: () => failed };
}

/** A form of text fields alone. */
export function textForm(fields: readonly Field[]): { contentType: string; body: string } {
  const boundary = newBoundary();
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: `${textFields(boundary, fields)}--${boundary}--\r\n` };
}

function newBoundary(): string {
  return `calotype-${crypto.randomUUID()}`;
}

function textFields(boundary: string, fields: readonly Field[]): string {
  return fields
    .filter((field): field is readonly [string, string] => field[1] !== undefined)
    .map(([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("");
}

function fileHead(boundary: string, name: string): string {
  // As browsers write names: the three characters that would end the value or the line.
  const escaped = name.replace(/[\r\n"]/g, (character) => encodeURIComponent(character));
  return `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${escaped}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
}
