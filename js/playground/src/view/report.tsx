// Under the picture: what came back, how to ask for it, and what the server will make of it.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Options } from "../options/grammar";
import { cfImage, imgTag, srcset, workerSnippet } from "../options/snippets";
import type { Explanation, Step } from "../plan";
import type { PictureState } from "../requests";
import type { Original } from "../server";
import { bytes, dimensions, duration, formatName, share } from "../text";

/** Size, bytes, format, time, status. */
export function Facts({ result, original, explanation }: { result: PictureState; original: Original | undefined; explanation: Explanation | undefined }) {
  const { picture, failure, loading } = result;
  const expected = explanation?.error ? undefined : explanation?.output;
  const size = !loading && picture?.size ? picture.size : expected ?? picture?.size;
  const status = failure && !loading ? failure.status : picture?.status;
  const timing = picture?.timing;
  const split = timing && `Queue ${timing.queue} ms, source ${timing.fetch} ms, transform ${timing.transform} ms, encode ${timing.encode} ms`;
  return (
    <dl class="facts" aria-live="polite" data-loading={loading || undefined}>
      <div>
        <dt>Result</dt>
        <dd data-testid="size">{size ? dimensions(size) : "–"}</dd>
        <dd class="sub">{original ? `of ${dimensions(original)}` : "\u00a0"}</dd>
      </div>
      <div>
        <dt>Bytes</dt>
        <dd data-testid="bytes">{picture ? bytes(picture.bytes) : "–"}</dd>
        <dd class="sub">{picture && original?.bytes ? `${share(picture.bytes, original.bytes)} of ${bytes(original.bytes)}` : "\u00a0"}</dd>
      </div>
      <div>
        <dt>Format</dt>
        <dd data-testid="format">{picture ? formatName(picture.format) : "–"}</dd>
        <dd class="sub">{original?.format ? `from ${formatName(original.format)}` : "\u00a0"}</dd>
      </div>
      <div title={split}>
        <dt>Time</dt>
        <dd data-testid="time">{picture ? duration(picture.ms) : "–"}</dd>
        <dd class="sub">{timing ? `${timing.transform + timing.encode} ms of work` : "\u00a0"}</dd>
      </div>
      <div class={status !== undefined && status >= 400 ? "bad" : ""}>
        <dt>Status</dt>
        <dd data-testid="status">{status || "–"}</dd>
        <dd class="sub">{(!failure && (picture?.redirected ? "redirected" : picture?.cache?.toLowerCase())) || "\u00a0"}</dd>
      </div>
    </dl>
  );
}

function CopyButton({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const say = (what: string) => {
    setSaid(what);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(""), 1600);
  };
  const copy = () => {
    // Pages that are not served over https have no clipboard.
    if (!navigator.clipboard) {
      say("Select and copy");
      return;
    }
    navigator.clipboard.writeText(text).then(
      () => say("Copied"),
      () => say("Not allowed"),
    );
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={`Copy ${label}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {said === "Copied" ? <path d="m3.5 8.5 3 3 6-7" /> : <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />}
      </svg>
      <span aria-live="polite">{said || "Copy"}</span>
    </button>
  );
}

const TABS = ["URL", "img", "srcset", "cf.image"] as const;
type Tab = (typeof TABS)[number];

/** The request in four spellings. */
export function Snippets(props: { options: Options; source: string; url: string; result: PictureState; original: Original | undefined }) {
  const { options, source, url, result, original } = props;
  const [tab, setTab] = useState<Tab>("URL");
  const dpr = Math.min(2, Number(options.dpr) || 1);
  const object = cfImage(options);
  const texts: Record<Tab, () => string> = {
    URL: () => url,
    img: () => imgTag(url, result.picture?.size, dpr),
    srcset: () => srcset(options, source, location.origin, original?.width),
    "cf.image": () => workerSnippet(options, source, location.origin),
  };
  const text = texts[tab]();
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
    if (!next) return;
    setTab(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <section class="snippets" aria-label="How to ask for it">
      <div class="bar">
        <div class="tabs" role="tablist" aria-label="Spelling" onKeyDown={onKey}>
          {TABS.map((name) => (
            <button key={name} type="button" role="tab" id={`tab-${name}`} data-tab={name} aria-selected={tab === name} aria-controls="snippet" tabIndex={tab === name ? 0 : -1} onClick={() => setTab(name)}>
              {name === "img" ? "<img>" : name}
            </button>
          ))}
        </div>
        <CopyButton text={text} label={tab} />
      </div>
      <div id="snippet" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0} class="code" data-testid="snippet">
        {tab === "URL" ? <Url url={url} source={source} /> : text}
      </div>
      {tab === "cf.image" && object.left.length > 0 && <p class="note">Only in URLs: {object.left.join(", ")}</p>}
    </section>
  );
}

/** The URL with its three parts told apart. */
function Url({ url, source }: { url: string; source: string }) {
  const marker = "/cdn-cgi/image/";
  const at = url.indexOf(marker);
  if (at < 0) return <>{url}</>;
  const start = at + marker.length;
  const end = url.length - source.length - (source.startsWith("/") ? 0 : 1);
  return (
    <>
      <span class="dim">{url.slice(0, start)}</span>
      <span class="options">{url.slice(start, end)}</span>
      <span>{url.slice(end)}</span>
    </>
  );
}

function stepText(step: Step): string {
  const parts: string[] = [];
  if (step.cut) parts.push(`keeps ${step.cut.width} × ${step.cut.height} at ${step.cut.left}, ${step.cut.top}`);
  if (step.scaled && (step.scaled.width !== step.before.width || step.scaled.height !== step.before.height)) parts.push(`scales to ${dimensions(step.scaled)}`);
  if (step.generate) parts.push(`by a ${step.generate}× model`);
  if (step.crop) parts.push(`cuts at ${step.crop.left}, ${step.crop.top}`);
  return parts.join(", ");
}

/** The plan: its canonical print, step by step, with remarks. */
export function PlanView(props: {
  explanation: Explanation | undefined;
  warnings: readonly string[];
  /** There are no options. */
  untouched: boolean;
  /** There is no WebAssembly. */
  missing: boolean;
}) {
  const { explanation, warnings, untouched, missing } = props;
  return (
    <section class="plan" aria-label="The plan">
      <div class="bar">
        <h2>Plan</h2>
        {explanation?.canonical && <CopyButton text={explanation.canonical} label="the canonical plan" />}
      </div>
      {missing && <p class="note">This browser runs no WebAssembly, so sizes are known only when the server has answered.</p>}
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings" data-testid="warnings">
          {warnings.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {explanation?.canonical !== undefined && (
        <p class="code canonical" data-testid="canonical">
          {explanation.canonical || <span class="dim">nothing to do</span>}
        </p>
      )}
      {explanation?.error && (
        <p class="refusal" data-testid="refusal">
          <b>{explanation.error.code}</b> {explanation.error.message}
        </p>
      )}
      {untouched && <p class="note">Without options the source is sent as it is.</p>}
      {explanation && explanation.steps.length > 0 && (
        <ol class="steps">
          {explanation.steps.map((step, index) => (
            <li key={index}>
              <span class="op">{step.op}</span>
              <span class="what">{stepText(step)}</span>
              <span class={step.after.width === step.before.width && step.after.height === step.before.height ? "same" : ""}>{dimensions(step.after)}</span>
            </li>
          ))}
        </ol>
      )}
      {explanation?.cost && (
        <p class="note">
          Peak memory about {bytes(explanation.cost.memoryPeakBytes)}
          {explanation.cost.decodeScale > 1 && <>, decoded at 1/{explanation.cost.decodeScale}</>}
          {explanation.vary.length > 0 && <>; varies with {explanation.vary.join(", ")}</>}
        </p>
      )}
    </section>
  );
}
