// The option string itself, bound both ways: what is typed moves the controls, and the other way round.

import { useEffect, useRef, useState } from "preact/hooks";

import { parseOptions, printOptions, type Options } from "../options/grammar";

export function RawOptions({ options, onOptions, onClear }: { options: Options; onOptions: (options: Options) => void; onClear: () => void }) {
  const printed = printOptions(options);
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const area = useRef<HTMLTextAreaElement>(null);
  const text = typed ?? printed;
  useEffect(() => {
    // As tall as its text.
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text]);
  return (
    <div class="raw">
      <div class="bar">
        <label for="raw">Options</label>
        {printed !== "" && (
          <button type="button" class="clear" onClick={onClear}>
            Clear all
          </button>
        )}
      </div>
      <textarea
        id="raw"
        ref={area}
        rows={1}
        spellcheck={false}
        autocomplete="off"
        placeholder="width=800,format=auto"
        value={text}
        onInput={(event) => {
          const line = event.currentTarget.value.replace(/\s*\n\s*/g, "");
          setTyped(line);
          onOptions(parseOptions(line));
        }}
        onBlur={() => setTyped(undefined)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            event.currentTarget.blur();
          }
        }}
      />
    </div>
  );
}
