import type { Options } from "../options/grammar";
import type { Original } from "../server";

/** What every control gets: the options, a way to set some (`undefined` removes), and what is known of the original. */
export interface ControlProps {
  readonly options: Options;
  readonly set: (changes: Readonly<Record<string, string | undefined>>) => void;
  readonly original: Original | undefined;
}
