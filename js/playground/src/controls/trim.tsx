// The explicit trim: what to take off each edge, drawn as the edges of a picture.

import { Field, Input } from "./field";
import type { ControlProps } from "./props";

const SIDES = ["top", "left", "right", "bottom"] as const;

export function TrimControl({ options, set }: ControlProps) {
  const keys = [...SIDES, "width", "height"].map((member) => `trim.${member}`);
  const any = keys.some((key) => key in options);
  const field = (member: string, label: string, placeholder: string) => (
    <Input
      key={member}
      type="number"
      label={label}
      class={`trim-${member}`}
      placeholder={placeholder}
      value={options[`trim.${member}`] ?? ""}
      min={0}
      onValue={(text) => set({ [`trim.${member}`]: text })}
    />
  );
  return (
    <Field
      label="Trim"
      wide
      set={any}
      note="Pixels, or a share such as 0.1. Width and height are the size to keep."
      onReset={() => set(Object.fromEntries(keys.map((key) => [key, undefined])))}
    >
      <div class="trim">
        {SIDES.map((side) => field(side, `Trim off the ${side}`, side))}
        <div class="trim-keep">
          {field("width", "Width to keep", "keep w")}
          <span class="times" aria-hidden="true">×</span>
          {field("height", "Height to keep", "keep h")}
        </div>
      </div>
    </Field>
  );
}
