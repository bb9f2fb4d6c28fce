// Quality, by number or by word.

import { Choice, Field, Slider } from "./field";
import type { ControlProps } from "./props";

const WORDS = ["high", "medium-high", "medium-low", "low"] as const;

export function QualityControl({ options, set }: ControlProps) {
  const value = options.quality ?? "";
  const word = (WORDS as readonly string[]).includes(value);
  return (
    <Field label="Quality" id="c-quality" set={value !== ""} onReset={() => set({ quality: undefined })}>
      <Slider id="c-quality" label="Quality" value={word ? "" : value} absent="85" min={1} track={100} max={100} step={1} onValue={(next) => set({ quality: next })} />
      <Choice
        label="Quality by word"
        class="small"
        value={word ? value : "-"}
        choices={[
          ["high", "High"],
          ["medium-high", "Med-high"],
          ["medium-low", "Med-low"],
          ["low", "Low"],
        ]}
        onValue={(next) => set({ quality: next })}
      />
    </Field>
  );
}
