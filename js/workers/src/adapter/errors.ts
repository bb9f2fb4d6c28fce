/**
 * An error as users of the binding know it: a number to branch on, and words to read.
 *
 * The runtime carries `code` over RPC only where both this Worker and the user's run with `enhanced_error_serialization`. Elsewhere it is lost, so the message
 * says it as well, in the form that the runtime gives to its own messages (`IMAGES_TRANSFORM_ERROR 9412: …`). The name stays `Error`: where the
 * error is rebuilt from its text, another name would become part of the message.
 */
export class ImagesError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(`IMAGES_HOSTED_ERROR ${code}: ${message}`);
    this.code = code;
  }
}

/** Something in the call is wrong; the code that the REST interface has for that. */
export function badRequest(message: string): ImagesError {
  return new ImagesError(5400, message);
}
