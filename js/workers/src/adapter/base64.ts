import { badRequest } from "./errors.js";

/** Decodes base64 (RFC 4648, section 4; white space is skipped) that comes in pieces of any size. */
export function base64Decoder(): TransformStream<Uint8Array, Uint8Array> {
  const text = new TextDecoder("utf-8");
  // Up to three characters that wait for the rest of their group of four.
  let rest = "";
  let ended = false;
  const decode = (characters: string, last: boolean): Uint8Array | undefined => {
    const all = rest + characters.replace(/[ \t\r\n\f]+/g, "");
    const whole = last ? all.length : all.length - (all.length % 4);
    rest = all.slice(whole);
    if (whole === 0) return undefined;
    if (ended) throw badRequest("the upload is not valid base64: there is more after its end");
    const group = all.slice(0, whole);
    ended = group.endsWith("=");
    let binary: string;
    try {
      binary = atob(group);
    } catch {
      throw badRequest("the upload is not valid base64");
    }
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  };
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      const bytes = decode(text.decode(piece, { stream: true }), false);
      if (bytes) controller.enqueue(bytes);
    },
    flush(controller) {
      const bytes = decode(text.decode(), true);
      if (bytes) controller.enqueue(bytes);
    },
  });
}
