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

const NOTHING: PictureState = { picture: undefined, failure: undefined, loading: false };

/** Follows `path`; `undefined` asks for nothing. */
export function usePicture(path: string | undefined, client: Client): PictureState {
  const [state, setState] = useState<PictureState>(NOTHING);
  const shown = useRef<Picture | undefined>(undefined);

  useEffect(() => {
    if (path === undefined) return;
    const control = new AbortController();
    setState((last) => ({ ...last, loading: true }));
    fetchPicture(path, client, control.signal).then(
      (picture) => {
        if (control.signal.aborted) {
          URL.revokeObjectURL(picture.url);
          return;
        }
        const stale = shown.current;
        shown.current = picture;
        setState({ picture, failure: undefined, loading: false });
        // The old bytes are let go once the new ones are on screen.
        if (stale) setTimeout(() => URL.revokeObjectURL(stale.url), 1000);
      },
      (error: unknown) => {
        if (control.signal.aborted) return;
        const failure: Failure =
          error instanceof RequestFailed ? error.failure : { code: 0, status: 0, message: "The answer could not be read.", ms: 0 };
        setState((last) => ({ ...last, failure, loading: false }));
      },
    );
    return () => control.abort();
  }, [path, client]);

  return state;
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
