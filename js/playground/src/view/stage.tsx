// The picture: the result, the result against what went in, or the original with the cut drawn on it.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { gravityPoint, gravityValue } from "../controls/gravity";
import type { Options } from "../options/grammar";
import type { Explanation, Size } from "../plan";
import type { PictureState } from "../requests";
import type { Original } from "../server";
import { dimensions } from "../text";

export type Mode = "result" | "compare" | "original";
export type Zoom = "fit" | "actual";

interface StageProps {
  readonly mode: Mode;
  readonly zoom: Zoom;
  readonly result: PictureState;
  readonly before: PictureState;
  readonly preview: PictureState;
  readonly original: Original | undefined;
  readonly explanation: Explanation | undefined;
  readonly options: Options;
  readonly setGravity: (value: string) => void;
}

/** The space that an element has, in CSS pixels. */
function useSpace() {
  const element = useRef<HTMLDivElement>(null);
  const [space, setSpace] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSpace({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, []);
  return [element, space] as const;
}

/** The size on screen: one pixel of the picture per pixel of the screen, or less if that does not fit. */
function shownSize(size: Size, space: Size, zoom: Zoom): Size {
  const natural = { width: size.width / devicePixelRatio, height: size.height / devicePixelRatio };
  if (zoom === "actual" || space.width === 0) return natural;
  const scale = Math.min(1, space.width / natural.width, space.height / natural.height);
  return { width: Math.max(1, natural.width * scale), height: Math.max(1, natural.height * scale) };
}

function sized(size: Size) {
  return { width: `${size.width}px`, height: `${size.height}px` };
}

export function Stage(props: StageProps) {
  const { mode, zoom, result, before, preview, original, explanation } = props;
  const [element, space] = useSpace();
  const active = mode === "original" ? preview : result;
  const busy = active.loading || (mode === "compare" && before.loading);
  let content: ComponentChildren = null;
  if (mode === "original" && preview.picture) {
    // The preview may be smaller than the original it stands for.
    const size = original && original.width > 0 ? original : preview.picture.size;
    if (size) content = <OriginalView {...props} url={preview.picture.url} size={size} shown={shownSize(size, space, zoom)} />;
  } else if (mode !== "original" && result.picture) {
    const { picture } = result;
    if (picture.kind === "text") content = <pre class="stage-text">{pretty(picture.text ?? "")}</pre>;
    else if (picture.size) {
      const shown = shownSize(picture.size, space, zoom);
      content =
        mode === "compare" ? (
          <Compare result={picture.url} before={before.picture?.kind === "picture" ? before.picture.url : undefined} shown={shown} />
        ) : (
          <div class="sheet" style={sized(shown)}>
            <img src={picture.url} alt={`Result, ${dimensions(picture.size)} pixels`} width={shown.width} height={shown.height} draggable={false} />
          </div>
        );
    }
  }
  const failure = active.failure;
  return (
    <div class={`stage ${zoom}${failure ? " failed" : ""}`} aria-busy={busy} data-mode={mode} tabIndex={zoom === "actual" ? 0 : undefined}>
      <div class={`progress${busy ? " on" : ""}`} aria-hidden="true" />
      <div class="stage-space" ref={element}>
        {content}
      </div>
      {failure && (
        <div class="failure" role="alert">
          <p class="failure-code">
            {failure.code > 0 ? <b>{failure.code}</b> : <b>Error</b>}
            {failure.status > 0 && <span>HTTP {failure.status}</span>}
          </p>
          <p>{failure.message}</p>
          {content && <p class="failure-note">Below is the last picture that worked.</p>}
        </div>
      )}
      {!content && !failure && !busy && <p class="empty">Drop a picture here, or choose one above.</p>}
      {mode === "original" && explanation?.dependsOnPixels.includes("gravity") && (
        <p class="stage-note">Where the cut falls is decided by the picture’s content; it is drawn in the middle.</p>
      )}
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).replace(/"mask": "([^"]{60})[^"]*"/, '"mask": "$1…"');
  } catch {
    return text;
  }
}

/** Both pictures in one place; the handle says how much of each. */
function Compare({ result, before, shown }: { result: string; before: string | undefined; shown: Size }) {
  const [at, setAt] = useState(50);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "b" && !event.repeat && !(event.target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(event.target.tagName) && (event.target as HTMLInputElement).type !== "range")) setHeld(true);
    };
    const up = () => setHeld(false);
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    addEventListener("blur", up);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", up);
    };
  }, []);
  const part = held ? 100 : at;
  return (
    <div class="sheet compare" style={{ ...sized(shown), "--at": `${part}%` }}>
      <img src={result} alt="After" width={shown.width} height={shown.height} draggable={false} />
      {before && <img class="before" src={before} alt="Before" width={shown.width} height={shown.height} draggable={false} />}
      <span class="tag left">Before</span>
      <span class="tag right">After</span>
      <span class="seam" aria-hidden="true">
        <svg viewBox="0 0 24 24">
          <path d="M9.5 7.5 5 12l4.5 4.5M14.5 7.5 19 12l-4.5 4.5" />
        </svg>
      </span>
      <input
        type="range"
        min={0}
        max={100}
        step={0.5}
        value={at}
        aria-label="Before and after: how much of the original is shown"
        title="Drag, or hold B for all of the original"
        onInput={(event) => setAt(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** The original with what is cut away in shade, and the gravity point to click or move. */
function OriginalView(props: StageProps & { url: string; size: Size; shown: Size }) {
  const { url, size, shown, explanation, options, setGravity } = props;
  const dragging = useRef(false);
  const region = explanation?.region;
  const frame = explanation?.frame;
  const point = gravityPoint(options.gravity);
  const scale = shown.width / size.width;

  /** From a place on the screen to a gravity value, through the turned and trimmed frame that gravity refers to. */
  const pick = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * size.width;
    const y = ((event.clientY - box.top) / box.height) * size.height;
    const [a, b, c] = frame?.x ?? [size.width, 0, 0];
    const [d, e, f] = frame?.y ?? [0, size.height, 0];
    const determinant = a * e - b * d;
    const clamp = (v: number) => Math.min(1, Math.max(0, Math.round(v * 100) / 100));
    setGravity(gravityValue(clamp((e * (x - c) - b * (y - f)) / determinant), clamp((a * (y - f) - d * (x - c)) / determinant)));
  };
  const pin =
    point &&
    (frame
      ? { x: frame.x[0] * point[0] + frame.x[1] * point[1] + frame.x[2], y: frame.y[0] * point[0] + frame.y[1] * point[1] + frame.y[2] }
      : { x: point[0] * size.width, y: point[1] * size.height });
  const cuts = ["cover", "crop", "aspect-crop"].includes(options.fit ?? "");
  const whole = !region || (region.width > size.width - 0.5 && region.height > size.height - 0.5);

  return (
    <div
      class="sheet original"
      style={sized(shown)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        dragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
        pick(event);
      }}
      onPointerMove={(event) => dragging.current && pick(event)}
      onPointerUp={() => (dragging.current = false)}
      onPointerCancel={() => (dragging.current = false)}
    >
      <img src={url} alt={`Original, ${dimensions(size)} pixels`} width={shown.width} height={shown.height} draggable={false} />
      {region && !whole && (
        <svg class="cut" viewBox={`0 0 ${shown.width} ${shown.height}`} aria-hidden="true">
          <path
            class="shade"
            fill-rule="evenodd"
            d={`M0 0H${shown.width}V${shown.height}H0ZM${region.left * scale} ${region.top * scale}v${region.height * scale}h${region.width * scale}v${-region.height * scale}Z`}
          />
          <rect x={region.left * scale} y={region.top * scale} width={region.width * scale} height={region.height * scale} />
          {[1, 2].map((n) => (
            <path
              key={n}
              class="third"
              d={`M${(region.left + (region.width * n) / 3) * scale} ${region.top * scale}v${region.height * scale}M${region.left * scale} ${(region.top + (region.height * n) / 3) * scale}h${region.width * scale}`}
            />
          ))}
        </svg>
      )}
      {pin && (
        <button
          type="button"
          class={`focal${cuts ? "" : " idle"}`}
          style={{ left: `${(100 * pin.x) / size.width}%`, top: `${(100 * pin.y) / size.height}%` }}
          aria-label={`Gravity point at ${point[0]} from the left, ${point[1]} from the top; the arrow keys move it`}
          title={cuts ? "Gravity: what survives the cut" : "Gravity: takes effect with fit cover, crop or aspect-crop"}
          onKeyDown={(event) => {
            const by = event.shiftKey ? 0.1 : 0.01;
            const moves: Record<string, readonly [number, number]> = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
            const move = moves[event.key];
            if (!move) return;
            event.preventDefault();
            const clamp = (v: number) => Math.min(1, Math.max(0, Math.round(v * 1000) / 1000));
            setGravity(gravityValue(clamp(point[0] + move[0]), clamp(point[1] + move[1])));
          }}
        />
      )}
    </div>
  );
}
