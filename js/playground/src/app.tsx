// The page: source, stage and report on the left, controls on the right.

import { useEffect, useMemo, useState } from "preact/hooks";

import { Choice } from "./controls/field";
import { Panel } from "./controls/panel";
import { printOptions, transformPath, withOptions, type Options } from "./options/grammar";
import { loadExplainer, type Client, type Explainer } from "./plan";
import { useOriginal, usePicture } from "./requests";
import { fetchSamples, type Sample } from "./server";
import { useRested, useView } from "./store";
import { RawOptions } from "./view/raw";
import { Facts, PlanView, Snippets } from "./view/report";
import { SourceField, Strip, useDrop, useUpload } from "./view/source";
import { Stage, type Mode, type Zoom } from "./view/stage";

/** How long the view rests before the server is asked, in milliseconds. */
const REST_MS = 140;

const FIRST_SOURCE = `${import.meta.env.BASE_URL}samples/lake.jpg`;
const FIRST_OPTIONS: Options = { width: "1200", format: "auto" };

/** The options that decide size and place; without the rest, a result is what "before" means. */
const GEOMETRY = /^(width|height|dpr|fit|gravity|gravity\.mode|zoom|trim|trim\..*|rotate|flip|wbreakpoints|wmobile|wdesktop|border\..*)$/;

function beforeOptions(options: Options): Options {
  const kept = Object.fromEntries(Object.entries(options).filter(([key]) => GEOMETRY.test(key)));
  const background: Options = options.fit === "pad" && options.background !== undefined ? { background: options.background } : {};
  return { ...kept, ...background, format: "png-force", anim: "false" };
}

/** Where to ask for a picture. An original elsewhere is fetched through the server, since browsers may not read it. */
function requestPath(options: Options, source: string): string {
  const plain = Object.keys(options).length === 0 && !source.startsWith("/");
  return transformPath(plain ? { anim: "true" } : options, source);
}

export function App() {
  const [view, change] = useView({ options: FIRST_OPTIONS, source: FIRST_SOURCE });
  const { options, source } = view;
  const [mode, setMode] = useState<Mode>("result");
  const [zoom, setZoom] = useState<Zoom>("fit");
  const [client, setClient] = useState<Client>({ accepts: "avif", viewportWidth: undefined, slow: false });
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [explainer, setExplainer] = useState<Explainer | "loading" | "missing">("loading");

  useEffect(() => {
    fetchSamples().then(setSamples, () => undefined);
    loadExplainer().then(setExplainer, () => setExplainer("missing"));
  }, []);

  const rested = useRested(view, REST_MS);
  const restedClient = useRested(client, REST_MS);
  const answered = usePicture(requestPath(rested.options, rested.source), restedClient);
  // What is on screen is out of date from the first keystroke on, not from the request on.
  const result = { ...answered, loading: answered.loading || rested !== view || restedClient !== client };
  const before = usePicture(mode === "compare" ? transformPath(beforeOptions(rested.options), rested.source) : undefined, restedClient);
  const preview = usePicture(mode === "original" ? transformPath({ width: "1600", anim: "false", format: "auto" }, rested.source) : undefined, restedClient);
  const original = useOriginal(rested.source);

  const segment = printOptions(options);
  const explanation = useMemo(() => {
    if (typeof explainer === "string" || !original || original.width === 0 || segment === "") return undefined;
    return explainer.explain(segment, original, original.format, client);
  }, [explainer, segment, original, client]);

  const set = (changes: Readonly<Record<string, string | undefined>>) => change({ options: withOptions(options, changes) });
  const setSource = (next: string) => change({ source: next });
  const uploading = useUpload(setSource);
  const over = useDrop(uploading.send);

  const address = transformPath(options, source);
  const url = address.startsWith("/") ? location.origin + address : address;
  const warnings = [...new Set([...(explanation?.warnings ?? []), ...(result.loading ? [] : (result.picture?.warnings ?? []))])];
  const knot = samples.find((sample) => sample.name === "knot");

  return (
    <>
      <header class="top">
        <a class="brand" href="https://github.com/calotype/calotype" rel="noreferrer">
          <Mark />
          <span>Calotype</span>
        </a>
        <SourceField source={source} onSource={setSource} />
        <span class="version">
          <a href="/client/v4/docs/" title="The API of hosted images">
            API
          </a>
          {typeof explainer === "string" ? "" : explainer.version}
        </span>
      </header>
      <main>
        <div class="work">
          <div class="picture">
            <Strip samples={samples} source={source} onSource={setSource} uploading={uploading} />
            <div class="stage-bar">
              <Choice
                label="What is shown"
                value={mode}
                choices={[
                  ["result", "Result"],
                  ["compare", "Compare"],
                  ["original", "Original"],
                ]}
                onValue={(next) => setMode(next as Mode)}
              />
              <Choice
                label="Zoom"
                value={zoom}
                choices={[
                  ["fit", "Fit"],
                  ["actual", "1 : 1"],
                ]}
                onValue={(next) => setZoom(next as Zoom)}
              />
            </div>
          </div>
          <Stage
            mode={mode}
            zoom={zoom}
            result={result}
            before={before}
            preview={preview}
            original={original}
            explanation={explanation}
            options={options}
            setGravity={(value) => set({ gravity: value === "center" ? undefined : value, zoom: undefined })}
          />
          <Facts result={result} original={original} explanation={explanation} />
          <div class="report">
            <Snippets options={options} source={source} url={url} result={result} original={original} />
            <PlanView explanation={explanation} warnings={warnings} untouched={segment === ""} missing={explainer === "missing"} />
          </div>
        </div>
        <aside class="panel" aria-label="Options">
          <RawOptions options={options} onOptions={(next) => change({ options: next })} onClear={() => change({ options: {} })} />
          <Panel
            options={options}
            set={set}
            original={original}
            client={client}
            setClient={setClient}
            useAsOverlay={knot && (() => set({ "draw.0.url": location.origin + knot.url, "draw.0.width": "0.25", "draw.0.right": "24", "draw.0.bottom": "24" }))}
          />
        </aside>
      </main>
      <div class={`drop${over ? " on" : ""}`} aria-hidden="true">
        <p>Let go to use this picture</p>
      </div>
    </>
  );
}

/** An iris of six blades. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="9.2" />
      <path d="M12 2.8 16 13.9M20 7.4 12.4 16.5M20 16.6 8.3 14.5M12 21.2 8 10.1M4 16.6l7.6-9.1M4 7.4l11.7 2.1" />
    </svg>
  );
}
