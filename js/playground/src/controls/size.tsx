// Width, height and fit.

import { FITS } from "../options/table";
import { Field, Input } from "./field";
import type { ControlProps } from "./props";

export function SizeControl({ options, set, original }: ControlProps) {
  const auto = options.width === "auto";
  const placeholder = (side: "width" | "height") => (original ? String(original[side]) : "as source");
  return (
    <Field
      label="Size"
      set={"width" in options || "height" in options}
      onReset={() => set({ width: undefined, height: undefined, wbreakpoints: undefined, wmobile: undefined, wdesktop: undefined })}
    >
      <div class="size">
        <Input type="number" label="Width in pixels" value={options.width ?? ""} placeholder={placeholder("width")} min={1} max={12000} onValue={(text) => set({ width: text })} />
        <span class="times" aria-hidden="true">×</span>
        <Input type="number" label="Height in pixels" value={options.height ?? ""} placeholder={placeholder("height")} min={1} max={12000} onValue={(text) => set({ height: text })} />
        <button
          type="button"
          class={`chip${auto ? " on" : ""}`}
          aria-pressed={auto}
          title="Width by the client’s viewport"
          onClick={() => set(auto ? { width: undefined, wbreakpoints: undefined, wmobile: undefined, wdesktop: undefined } : { width: "auto" })}
        >
          auto
        </button>
      </div>
    </Field>
  );
}

/** A box, and how a picture of another shape lies in it. */
function FitIcon({ fit }: { fit: string }) {
  const drawings: Record<string, preact.JSX.Element> = {
    "scale-down": <rect class="pic" x="9" y="8" width="14" height="8" />,
    contain: <rect class="pic" x="4.5" y="5.5" width="23" height="13" />,
    cover: (
      <>
        <rect class="out" x="1" y="3" width="30" height="18" />
        <rect class="pic" x="4.5" y="3" width="23" height="18" />
      </>
    ),
    crop: (
      <>
        <rect class="out" x="2" y="7" width="28" height="10" />
        <rect class="pic" x="4.5" y="7" width="23" height="10" />
      </>
    ),
    "aspect-crop": (
      <>
        <rect class="out" x="6" y="6" width="20" height="12" />
        <rect class="pic" x="8.5" y="6" width="15" height="12" />
      </>
    ),
    pad: (
      <>
        <rect class="fill" x="4.5" y="3" width="23" height="18" />
        <rect class="pic" x="4.5" y="6.5" width="23" height="11" />
      </>
    ),
    squeeze: <rect class="pic" x="4.5" y="3" width="23" height="18" />,
    "scale-up": (
      <>
        <rect class="pic" x="4.5" y="5.5" width="23" height="13" />
        <path class="arrow" d="M13 12h6M17 9.8 19.2 12 17 14.2" />
      </>
    ),
  };
  return (
    <svg class="fit-icon" viewBox="0 0 32 24" aria-hidden="true">
      {drawings[fit]}
      {fit === "squeeze" && <path class="arrow" d="M16 6.5v11M13.8 8.7 16 6.5l2.2 2.2M13.8 15.3l2.2 2.2 2.2-2.2" />}
      <rect class="box" x="4.5" y="3" width="23" height="18" />
    </svg>
  );
}

export function FitControl({ options, set }: ControlProps) {
  const value = options.fit ?? "scale-down";
  return (
    <Field label="Fit" wide set={"fit" in options} onReset={() => set({ fit: undefined })} note={FITS.find(([name]) => name === value)?.[2]}>
      <div class="fits" role="radiogroup" aria-label="Fit">
        {FITS.map(([name, title, note]) => (
          <label key={name} title={note}>
            <input type="radio" name="fit" checked={value === name} onChange={() => set({ fit: name === "scale-down" ? undefined : name })} />
            <span>
              <FitIcon fit={name} />
              {title}
            </span>
          </label>
        ))}
      </div>
    </Field>
  );
}
