// The parts that controls are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

/** A control with its label. When the option is set, the label carries a mark that takes it away again. */
export function Field(props: {
  label: string;
  id?: string;
  set: boolean;
  note?: string | undefined;
  wide?: boolean;
  onReset: () => void;
  children: ComponentChildren;
}) {
  const { label, id, set, note, wide, onReset, children } = props;
  return (
    <div class={`field${wide ? " wide" : ""}${set ? " set" : ""}`}>
      <div class="field-label">
        {id ? <label for={id}>{label}</label> : <span>{label}</span>}
        {set && (
          <button type="button" class="reset" onClick={onReset} aria-label={`Reset ${label}`} title="Reset">
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <path d="M3 3l6 6M9 3l-6 6" />
            </svg>
          </button>
        )}
      </div>
      <div class="field-control">{children}</div>
      {note && <p class="note">{note}</p>}
    </div>
  );
}

/** A text input that keeps what is typed while it has the focus, even if the value behind it is written differently. */
export function Input(props: {
  id?: string;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "number";
  placeholder?: string | undefined;
  min?: number | undefined;
  max?: number | undefined;
  step?: number | undefined;
  unit?: string | undefined;
  label?: string;
  invalid?: boolean;
  class?: string;
  enter?: boolean;
}) {
  const { id, value, onValue, type = "text", placeholder, min, max, step, unit, label, invalid, enter } = props;
  const [typed, setTyped] = useState<string | undefined>(undefined);
  return (
    <span class={`input${unit ? " has-unit" : ""} ${props.class ?? ""}`}>
      <input
        id={id}
        type="text"
        inputMode={type === "number" ? "decimal" : undefined}
        value={typed ?? value}
        placeholder={placeholder}
        aria-label={label}
        aria-invalid={invalid || undefined}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          if (!enter) onValue(event.currentTarget.value.trim());
        }}
        onBlur={() => {
          if (enter && typed !== undefined && typed !== value) onValue(typed.trim());
          setTyped(undefined);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            onValue(event.currentTarget.value.trim());
            setTyped(undefined);
          } else if (type === "number" && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
            const now = Number(event.currentTarget.value || placeholder || 0);
            if (!Number.isFinite(now)) return;
            event.preventDefault();
            const by = (step ?? 1) * (event.shiftKey ? 10 : 1) * (event.key === "ArrowUp" ? 1 : -1);
            const next = Math.min(max ?? Infinity, Math.max(min ?? -Infinity, now + by));
            const text = String(Math.round(next * 1000) / 1000);
            setTyped(text);
            onValue(text);
          }
        }}
      />
      {unit && <span class="unit">{unit}</span>}
    </span>
  );
}

/** One of a few, as buttons in a row: native radio buttons underneath, so that the arrow keys work. */
export function Choice(props: {
  label: string;
  value: string;
  choices: readonly (readonly [string, string])[];
  onValue: (value: string) => void;
  class?: string;
}) {
  const name = useId();
  return (
    <div class={`choice ${props.class ?? ""}`} role="radiogroup" aria-label={props.label}>
      {props.choices.map(([value, text]) => (
        <label key={value}>
          <input type="radio" name={name} checked={props.value === value} onChange={() => props.onValue(value)} />
          <span>{text}</span>
        </label>
      ))}
    </div>
  );
}

/** A track and a field for the exact number. */
export function Slider(props: {
  id: string;
  label: string;
  value: string;
  absent: string;
  min: number;
  track: number;
  max: number;
  step: number;
  unit?: string | undefined;
  onValue: (value: string | undefined) => void;
}) {
  const { id, label, value, absent, min, track, max, step, unit, onValue } = props;
  const number = Number(value === "" ? absent : value);
  const place = Number.isFinite(number) ? Math.min(track, Math.max(min, number)) : Number(absent);
  const part = (v: number) => `${(100 * (v - min)) / (track - min)}%`;
  const home = Math.min(track, Math.max(min, Number(absent)));
  const change = (text: string) => onValue(text === "" || Number(text) === Number(absent) ? undefined : text);
  return (
    <div class="slider" style={{ "--from": part(Math.min(home, place)), "--to": part(Math.max(home, place)), "--home": part(home) }}>
      <input
        type="range"
        aria-label={label}
        min={min}
        max={track}
        step={step}
        value={place}
        onInput={(event) => change(String(Math.round(Number(event.currentTarget.value) * 1000) / 1000))}
      />
      <Input id={id} type="number" value={value} placeholder={absent} min={min} max={max} step={step} unit={unit} onValue={change} class="narrow" />
    </div>
  );
}

/** On or off. */
export function Switch(props: { id: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <span class="switch">
      <input id={props.id} type="checkbox" role="switch" checked={props.on} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      <span aria-hidden="true" />
    </span>
  );
}

let canvas: CanvasRenderingContext2D | null | undefined;

/** `#rrggbb` for any CSS colour that the browser reads, for the colour well; black for others. */
function wellColor(text: string): string {
  canvas ??= document.createElement("canvas").getContext("2d");
  if (!canvas) return "#000000";
  canvas.fillStyle = "#000000";
  canvas.fillStyle = /^([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text) ? `#${text}` : text;
  const read = String(canvas.fillStyle);
  if (read.startsWith("#")) return read;
  const parts = read.match(/[\d.]+/g) ?? [];
  return `#${parts.slice(0, 3).map((part) => Math.round(Number(part)).toString(16).padStart(2, "0")).join("")}`;
}

/** A colour as text, with a well to pick one. */
export function ColorField(props: { id: string; label: string; value: string; placeholder: string; onValue: (value: string) => void }) {
  const well = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (well.current) well.current.value = wellColor(props.value);
  }, [props.value]);
  return (
    <div class="color">
      <span class="well" style={{ "--color": props.value === "" ? "transparent" : /^[0-9a-f]{3,8}$/i.test(props.value) ? `#${props.value}` : props.value }}>
        <input ref={well} type="color" aria-label={`Pick ${props.label}`} onInput={(event) => props.onValue(event.currentTarget.value)} />
      </span>
      <Input id={props.id} value={props.value} placeholder={props.placeholder} onValue={props.onValue} />
    </div>
  );
}
