// What survives a cut: a point, a side, or what the server finds.

import { Choice, Field, Input } from "./field";
import type { ControlProps } from "./props";

const SIDES: Readonly<Record<string, readonly [number, number]>> = {
  center: [0.5, 0.5],
  left: [0, 0.5],
  right: [1, 0.5],
  top: [0.5, 0],
  bottom: [0.5, 1],
};

/** The point that a value names; `undefined` for what is found by content. */
export function gravityPoint(value: string | undefined): readonly [number, number] | undefined {
  if (value === undefined || value === "") return SIDES.center;
  const side = SIDES[value];
  if (side) return side;
  const point = /^(\d*\.?\d+)x(\d*\.?\d+)$/.exec(value);
  return point ? [Number(point[1]), Number(point[2])] : undefined;
}

/** The shortest spelling of a point. */
export function gravityValue(x: number, y: number): string {
  const [rx, ry] = [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
  const side = Object.entries(SIDES).find(([, point]) => point[0] === rx && point[1] === ry);
  return side ? side[0] : `${rx}x${ry}`;
}

const NAMES = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"];

export function GravityControl({ options, set }: ControlProps) {
  const value = options.gravity ?? "";
  const point = gravityPoint(value);
  const kind = value === "auto" || value === "entropy" || value === "face" ? value : "";
  const choose = (x: number, y: number) => {
    const next = gravityValue(x, y);
    set({ gravity: next === "center" ? undefined : next, zoom: undefined });
  };
  return (
    <>
      <Field label="Gravity" set={value !== ""} onReset={() => set({ gravity: undefined, "gravity.mode": undefined })}>
        <div class="gravity">
          <div class="pad" role="group" aria-label="Gravity point">
            {NAMES.map((name, index) => {
              const [x, y] = [(index % 3) / 2, Math.floor(index / 3) / 2];
              const on = kind === "" && point?.[0] === x && point[1] === y;
              return <button key={name} type="button" class={on ? "on" : ""} aria-pressed={on} aria-label={name} title={name} onClick={() => choose(x, y)} />;
            })}
            {kind === "" && point && <span class="pin" style={{ left: `${point[0] * 100}%`, top: `${point[1] * 100}%` }} aria-hidden="true" />}
          </div>
          <div class="gravity-side">
            <Choice
              label="Gravity by content"
              class="stack"
              value={kind}
              choices={[
                ["", "Point"],
                ["auto", "Auto"],
                ["entropy", "Entropy"],
                ["face", "Faces"],
              ]}
              onValue={(next) => set({ gravity: next || undefined, ...(next === "face" ? {} : { zoom: undefined }) })}
            />
          </div>
        </div>
      </Field>
      {kind === "" && (
        <Field label="Point" set={false} onReset={() => undefined}>
          <div class="pair">
            <Input
              type="number"
              label="Gravity, from the left, 0 to 1"
              value={value === "" || !point ? "" : String(point[0])}
              placeholder="0.5"
              step={0.05}
              min={0}
              max={1}
              onValue={(text) => set({ gravity: text === "" && (point?.[1] ?? 0.5) === 0.5 ? undefined : `${text || "0.5"}x${point?.[1] ?? 0.5}` })}
            />
            <Input
              type="number"
              label="Gravity, from the top, 0 to 1"
              value={value === "" || !point ? "" : String(point[1])}
              placeholder="0.5"
              step={0.05}
              min={0}
              max={1}
              onValue={(text) => set({ gravity: text === "" && (point?.[0] ?? 0.5) === 0.5 ? undefined : `${point?.[0] ?? 0.5}x${text || "0.5"}` })}
            />
          </div>
        </Field>
      )}
      {kind === "" && value !== "" && (
        <Field label="Read as" set={"gravity.mode" in options} onReset={() => set({ "gravity.mode": undefined })}>
          <Choice
            label="How the point is read"
            value={options["gravity.mode"] === "box-center" ? "box-center" : ""}
            choices={[
              ["", "Remainder"],
              ["box-center", "Box centre"],
            ]}
            onValue={(next) => set({ "gravity.mode": next || undefined })}
          />
        </Field>
      )}
    </>
  );
}
