// The pictures on the stage: asked for when the view has rested, the stale request aborted, the last good answer kept through a failure.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Client } from "./plan";
import { RequestFailed, fetchOriginal, fetchPicture, type Failure, type Original, type Picture } from "./server";

export interface PictureState {
  /** The last good answer, if there was one for this source. */
  readonly picture: Picture | undefined;
  /** Why the latest request came to nothing. */
  readonly failure: Failure | undefined;
  readonly loading: boolean;
}

/** What came of the last request that was answered. */
interface Answer {
  readonly path: string | undefined;
  readonly client: Client | undefined;
  readonly picture: Picture | undefined;
  readonly failure: Failure | undefined;
}

/** Follows `path`; `undefined` asks for nothing. */
export function usePicture(path: string | undefined, client: Client): PictureState {
  const [answer, setAnswer] = useState<Answer>({ path: undefined, client: undefined, picture: undefined, failure: undefined });
  const shown = useRef<Picture | undefined>(undefined);

  useEffect(() => {
    if (path === undefined) return;
    const control = new AbortController();
    fetchPicture(path, client, control.signal).then(
      (picture) => {
        if (control.signal.aborted) {
          URL.revokeObjectURL(picture.url);
          return;
        }
        const stale = shown.current;
        shown.current = picture;
        setAnswer({ path, client, picture, failure: undefined });
        // The old bytes are let go once the new ones are on screen.
        if (stale) setTimeout(() => URL.revokeObjectURL(stale.url), 1000);
      },
      (error: unknown) => {
        if (control.signal.aborted) return;
        const failure: Failure =
          error instanceof RequestFailed ? error.failure : { code: 0, status: 0, message: "The answer could not be read.", ms: 0 };
        setAnswer((last) => ({ path, client, picture: last.picture, failure }));
      },
    );
    return () => control.abort();
  }, [path, client]);

  // Told from what was asked last, so that no moment lies between asking and waiting.
  const loading = path !== undefined && (answer.path !== path || answer.client !== client);
  return { picture: answer.picture, failure: answer.failure, loading };
}

/** Facts about the original of `source`; `undefined` until they are known. */
export function useOriginal(source: string): Original | undefined {
  const [known, setKnown] = useState<{ source: string; original: Original } | undefined>(undefined);
  useEffect(() => {
    const control = new AbortController();
    fetchOriginal(source, control.signal).then(
      (original) => setKnown({ source, original }),
      // The picture's own request says what is wrong.
      () => undefined,
    );
    return () => control.abort();
  }, [source]);
  return known?.source === source ? known.original : undefined;
}
