// Which picture: the samples, a file, an address.

import { useEffect, useRef, useState } from "preact/hooks";

import { Input } from "../controls/field";
import { RequestFailed, upload, type Sample } from "../server";

export interface Uploading {
  /** Sends a file and moves on to it. */
  readonly send: (file: Blob) => void;
  readonly busy: boolean;
  readonly problem: string | undefined;
  readonly dismiss: () => void;
}

/** Files on their way to the server, one at a time. */
export function useUpload(onDone: (url: string) => void): Uploading {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const done = useRef(onDone);
  done.current = onDone;
  const send = (file: Blob) => {
    setBusy(true);
    setProblem(undefined);
    upload(file)
      .then((url) => done.current(url))
      .catch((error: unknown) => {
        const failure = error instanceof RequestFailed ? error.failure : undefined;
        setProblem(failure ? `${failure.code > 0 ? `${failure.code}: ` : ""}${failure.message}` : "The file could not be sent.");
      })
      .finally(() => setBusy(false));
  };
  return { send, busy, problem, dismiss: () => setProblem(undefined) };
}

/** Whether a file is being dragged over the page; takes it when it is let go, and pictures that are pasted. */
export function useDrop(onFile: (file: Blob) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useRef(onFile);
  take.current = onFile;
  useEffect(() => {
    let depth = 0;
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const move = (event: DragEvent) => {
      if (holdsFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file) take.current(file);
    };
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
      if (file) take.current(file);
    };
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", move);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", move);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  }, []);
  return over;
}

/** The address of the picture. */
export function SourceField({ source, onSource }: { source: string; onSource: (source: string) => void }) {
  return (
    <div class="source-field">
      <label for="source">Source</label>
      <Input
        id="source"
        value={source}
        enter
        placeholder="/path or https://…"
        onValue={(text) => {
          if (text !== "" && text !== source) onSource(/^https?:\/\//i.test(text) || text.startsWith("/") ? text : `/${text}`);
        }}
      />
    </div>
  );
}

/** Samples to choose from, and a place for one's own picture. */
export function Strip(props: { samples: readonly Sample[]; source: string; onSource: (source: string) => void; uploading: Uploading }) {
  const { samples, source, onSource, uploading } = props;
  const input = useRef<HTMLInputElement>(null);
  const own = source.startsWith(`${import.meta.env.BASE_URL}upload/`);
  return (
    <div class="strip" role="group" aria-label="Pictures">
      {samples.map((sample) => (
        <button
          key={sample.name}
          type="button"
          class={`thumb${source === sample.url ? " on" : ""}`}
          aria-pressed={source === sample.url}
          title={`${sample.title}, ${sample.width} × ${sample.height}`}
          onClick={() => onSource(sample.url)}
        >
          <img src={`/cdn-cgi/image/width=72,height=54,dpr=2,fit=cover,format=webp${sample.url}`} alt={sample.title} width={72} height={54} loading="lazy" />
        </button>
      ))}
      <button type="button" class={`thumb own${own ? " on" : ""}`} aria-pressed={own} onClick={() => input.current?.click()} disabled={uploading.busy}>
        {own && !uploading.busy ? <img src={`/cdn-cgi/image/width=72,height=54,dpr=2,fit=cover,format=webp${source}`} alt="" width={72} height={54} /> : null}
        <span>{uploading.busy ? "Sending…" : own ? "Change" : "Choose or drop"}</span>
      </button>
      <input
        ref={input}
        class="sr"
        type="file"
        accept="image/*"
        tabIndex={-1}
        aria-label="Choose a picture"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) uploading.send(file);
          event.currentTarget.value = "";
        }}
      />
      {uploading.problem && (
        <p class="problem" role="alert">
          {uploading.problem}
          <button type="button" onClick={uploading.dismiss} aria-label="Dismiss">
            ×
          </button>
        </p>
      )}
    </div>
  );
}
