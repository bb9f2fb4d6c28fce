// All controls, in groups that open and close.

import { useState } from "preact/hooks";

import { CONTROLS, GROUPS, type Control, type GroupName } from "../options/table";
import type { Client } from "../plan";
import { Choice, ColorField, Field, Input, Slider, Switch } from "./field";
import { GravityControl } from "./gravity";
import type { ControlProps } from "./props";
import { QualityControl } from "./quality";
import { FitControl, SizeControl } from "./size";
import { TrimControl } from "./trim";

/** One plain control, by its description in the table. */
function Plain({ control, options, set }: ControlProps & { control: Control }) {
  const { key, label, note } = control;
  const value = options[key] ?? "";
  const id = `c-${key}`;
  const reset = () => set({ [key]: undefined });
  const change = (next: string | undefined) => set({ [key]: next });
  switch (control.kind) {
    case "slider":
      return (
        <Field label={label} id={id} set={key in options} note={note} onReset={reset}>
          <Slider
            id={id}
            label={label}
            value={value}
            absent={control.absent}
            min={control.min}
            track={control.track}
            max={control.max}
            step={control.step}
            unit={control.unit}
            onValue={(next) => (key === "zoom" && next !== undefined ? set({ zoom: next, gravity: "face" }) : change(next))}
          />
        </Field>
      );
    case "number":
      return (
        <Field label={label} id={id} set={key in options} note={note} onReset={reset}>
          <Input id={id} type="number" value={value} placeholder={control.placeholder} min={control.min} max={control.max} step={control.step} unit={control.unit} onValue={change} />
        </Field>
      );
    case "choice": {
      const known = control.choices.some(([choice]) => choice === value) ? value : value === control.absent ? "" : value;
      return (
        <Field label={label} set={key in options} note={note} onReset={reset} wide={control.choices.length > 5}>
          <Choice label={label} value={known} choices={control.choices} onValue={(next) => change(next || undefined)} class={control.choices.length > 5 ? "grid" : ""} />
        </Field>
      );
    }
    case "switch": {
      const on = value === control.on || (control.on === "false" ? value === "0" : value === "true");
      return (
        <Field label={label} id={id} set={key in options} note={note} onReset={reset}>
          <Switch id={id} on={on} onChange={(next) => change(next ? control.on : undefined)} />
        </Field>
      );
    }
    case "color":
      return (
        <Field label={label} id={id} set={key in options} note={note} onReset={reset}>
          <ColorField id={id} label={label} value={value} placeholder={control.placeholder} onValue={change} />
        </Field>
      );
    case "text":
      return (
        <Field label={label} id={id} set={key in options} note={note} onReset={reset}>
          <Input id={id} value={value} placeholder={control.placeholder} onValue={change} />
        </Field>
      );
    case "special":
      return <Special {...{ control, options, set }} original={undefined} />;
  }
}

/** Controls with a component of their own; each is drawn at the place of its first option. */
function Special(props: ControlProps & { control: Control }) {
  switch (props.control.key) {
    case "width":
      return <SizeControl {...props} />;
    case "fit":
      return <FitControl {...props} />;
    case "gravity":
      return <GravityControl {...props} />;
    case "quality":
      return <QualityControl {...props} />;
    case "trim.top":
      return <TrimControl {...props} />;
    default:
      return null;
  }
}

/** Options of an entry that has no control: further overlays, members that the page does not draw, words it does not know. */
function groupOf(key: string): GroupName | undefined {
  return CONTROLS.find((control) => control.key === key)?.group ?? (key.startsWith("draw.") ? "overlay" : undefined);
}

export function Panel(props: ControlProps & { client: Client; setClient: (client: Client) => void; useAsOverlay: (() => void) | undefined }) {
  const { options, set, original, client, setClient } = props;
  const [open, setOpen] = useState<Readonly<Record<string, boolean>>>(() =>
    Object.fromEntries(GROUPS.map(({ name, open: first }) => [name, first || Object.keys(options).some((key) => groupOf(key) === name)])),
  );
  return (
    <div class="groups">
      {GROUPS.map(({ name, title }) => {
        const keys = Object.keys(options).filter((key) => groupOf(key) === name);
        return (
          <section class="group" key={name}>
            <h2>
              <button type="button" aria-expanded={open[name] === true} aria-controls={`g-${name}`} onClick={() => setOpen({ ...open, [name]: !open[name] })}>
                <svg class="chevron" viewBox="0 0 12 12" aria-hidden="true">
                  <path d="M4 2.5 7.5 6 4 9.5" />
                </svg>
                {title}
                {keys.length > 0 && <span class="count" aria-label={`${keys.length} set`}>{keys.length}</span>}
              </button>
              {keys.length > 0 && (
                <button type="button" class="clear" onClick={() => set(Object.fromEntries(keys.map((key) => [key, undefined])))}>
                  Clear<span class="sr"> {title}</span>
                </button>
              )}
            </h2>
            <div id={`g-${name}`} class="group-body" hidden={!open[name]}>
              {CONTROLS.filter((control) => control.group === name && (control.when?.(options) ?? true)).map((control) =>
                control.kind === "special" ? (
                  <Special key={control.key} control={control} options={options} set={set} original={original} />
                ) : (
                  <Plain key={control.key} control={control} options={options} set={set} original={original} />
                ),
              )}
              {name === "overlay" && !("draw.0.url" in options) && props.useAsOverlay && (
                <button type="button" class="suggest" onClick={props.useAsOverlay}>
                  Try the knot
                </button>
              )}
              {name === "delivery" && <ClientControls client={client} setClient={setClient} />}
            </div>
          </section>
        );
      })}
    </div>
  );
}

/** The client that the page plays: not options, but what options are answered by. */
function ClientControls({ client, setClient }: { client: Client; setClient: (client: Client) => void }) {
  return (
    <div class="client">
      <h3>Ask as a client that</h3>
      <Field label="Accepts" set={client.accepts !== "avif"} onReset={() => setClient({ ...client, accepts: "avif" })}>
        <Choice
          label="Formats the client accepts"
          value={client.accepts}
          choices={[
            ["avif", "AVIF, WebP"],
            ["webp", "WebP"],
            ["neither", "Neither"],
          ]}
          onValue={(accepts) => setClient({ ...client, accepts: accepts as Client["accepts"] })}
        />
      </Field>
      <Field label="Is this wide" id="c-viewport" set={client.viewportWidth !== undefined} onReset={() => setClient({ ...client, viewportWidth: undefined })}>
        <Input
          id="c-viewport"
          type="number"
          unit="px"
          placeholder="unsaid"
          min={1}
          value={client.viewportWidth === undefined ? "" : String(client.viewportWidth)}
          onValue={(text) => setClient({ ...client, viewportWidth: Number(text) > 0 ? Math.round(Number(text)) : undefined })}
        />
      </Field>
      <Field label="Is on a slow line" id="c-slow" set={client.slow} onReset={() => setClient({ ...client, slow: false })}>
        <Switch id="c-slow" on={client.slow} onChange={(slow) => setClient({ ...client, slow })} />
      </Field>
    </div>
  );
}
