// Format and size of an answer from its first bytes: enough to see that the right picture came, and cheap beside decoding it.

/** `{ format, width, height }` of a JPEG, PNG, WebP or AVIF file; throws for anything else. */
export function imageHeader(bytes) {
  if (bytes.length > 4 && bytes.readUInt16BE(0) === 0xffd8) return jpeg(bytes);
  if (bytes.length > 30 && bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') return webp(bytes);
  if (bytes.length > 32 && bytes.readUInt32BE(0) === 0x89504e47) return png(bytes);
  if (bytes.length > 32 && bytes.toString('latin1', 4, 8) === 'ftyp') return avif(bytes);
  throw new Error(`no picture: ${bytes.length} bytes`);
}

/** ITU T.81: walk the markers to the frame header. */
function jpeg(bytes) {
  let at = 2;
  while (at + 9 <= bytes.length) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff) break;
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (bytes.readUInt16BE(bytes.length - 2) !== 0xffd9) throw new Error('a JPEG without its end');
      return { format: 'jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw new Error('a JPEG without a frame header');
}

/** RFC 9649. */
function webp(bytes) {
  if (bytes.readUInt32LE(4) + 8 !== bytes.length) throw new Error('a WebP file that is not as long as it says');
  const kind = bytes.toString('latin1', 12, 16);
  if (kind === 'VP8 ') return { format: 'webp', width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (kind === 'VP8X') return { format: 'webp', width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  throw new Error(`a WebP file of kind ${kind}`);
}

/** W3C PNG, 11.2.1 and 11.2.5. */
function png(bytes) {
  if (bytes.toString('latin1', bytes.length - 8, bytes.length - 4) !== 'IEND') throw new Error('a PNG without its end');
  return { format: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** ISO/IEC 23008-12, 6.5.3: the first `ispe` box is that of the picture in what the encoders compared here write. */
function avif(bytes) {
  const at = bytes.indexOf('ispe', 0, 'latin1');
  if (at < 0 || at + 16 > bytes.length) throw new Error('an AVIF without a size');
  return { format: 'avif', width: bytes.readUInt32BE(at + 8), height: bytes.readUInt32BE(at + 12) };
}
