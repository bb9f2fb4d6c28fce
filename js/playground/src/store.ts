// What the page is about: options, source, client; kept in the address, so that a view can be sent to somebody else.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { parseState, printState, type Options } from "./options/grammar";

export interface View {
  readonly options: Options;
  readonly source: string;
}

/** The view that the address names, or `undefined`. */
function fromAddress(): View | undefined {
  return parseState(location.hash);
}

/** The view and how to change it. Typing replaces the address, so that "back" leaves the page; a new source is a step of its own. */
export function useView(initial: View): readonly [View, (change: Partial<View>) => void] {
  const [view, setView] = useState<View>(() => fromAddress() ?? initial);
  const latest = useRef(view);
  latest.current = view;

  useEffect(() => {
    const follow = () => {
      const named = fromAddress();
      if (named) setView(named);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);

  const change = useCallback((part: Partial<View>) => {
    const next = { ...latest.current, ...part };
    const moved = next.source !== latest.current.source;
    latest.current = next;
    setView(next);
    const hash = `#${printState(next.options, next.source)}`;
    if (moved) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
  }, []);

  return [view, change];
}

/** A value that follows another once that has rested for `ms`. */
export function useRested<T>(value: T, ms: number): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}
