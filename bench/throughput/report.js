// From rounds to medians, and from the result to a page.

const NUMBERS = ['perSecond', 'p50Ms', 'p99Ms', 'wallMs', 'cpuSeconds', 'loaderCpuSeconds', 'peakResidentBytes', 'bytes', 'loadBefore'];

/** `{ sides, rounds_measured, size_differences }`: medians per side, what each round gave, and the jobs whose answers differ in size between the sides. */
export function summary(measured, jobs) {
  const sides = {};
  for (const side of ['calotype', 'sharp']) {
    const of = measured.filter((run) => run.side === side);
    sides[side] = Object.fromEntries(NUMBERS.map((name) => [name, median(of.map((run) => run[name]))]));
    sides[side].errors = of.reduce((sum, run) => sum + run.errors.length, 0);
    sides[side].first_errors = of.flatMap((run) => run.errors).slice(0, 5);
  }
  const [ours, theirs] = ['calotype', 'sharp'].map((side) => measured.find((run) => run.side === side).sizes);
  const rounds = measured.map(({ sizes, errors, ...rest }) => ({ ...rest, errors: errors.length }));
  const size_differences = jobs.map((job, index) => ({ ...job, calotype: ours[index], sharp: theirs[index] })).filter((job) => job.calotype !== job.sharp);
  return { sides, rounds_measured: rounds, size_differences };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function markdown(result) {
  const { calotype, sharp } = result.sides;
  const row = (name, of, digits = 0) => `| ${name} | ${of(calotype).toFixed(digits)} | ${of(sharp).toFixed(digits)} | ${(of(calotype) / of(sharp)).toFixed(2)} |`;
  const { settings, machine, versions } = result;
  const range = (side) => {
    const values = result.rounds_measured.filter((run) => run.side === side).map((run) => run.perSecond);
    return `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
  };
  const quality = Object.entries(result.pictures.scores).map(([name, score]) =>
    `| ${name} | ${score.pictures} | ${(score.bytes / 1000).toFixed(0)} | ${score.ssimulacra2_mean.toFixed(2)} | ${score.ssimulacra2_worst.toFixed(2)} | ${score.ssim_mean.toFixed(4)} | ${score.psnr_db_mean.toFixed(2)} |`);
  return `# Throughput: Calotype and sharp

${settings.requests} distinct transforms of ${result.photographs.length} photographs of 3 to ${Math.round(Math.max(...result.photographs.map((photo) => photo.width * photo.height)) / 1e6)} megapixels, ${settings.concurrency} in flight, medians of ${settings.rounds} rounds.
What is compared and what is not: [METHODOLOGY.md](../METHODOLOGY.md). Everything measured: [throughput.json](throughput.json).

| | Calotype | sharp | ratio |
|---|---:|---:|---:|
${row('requests per second', (side) => side.perSecond, 1)}
${row('latency p50, ms', (side) => side.p50Ms)}
${row('latency p99, ms', (side) => side.p99Ms)}
${row('CPU of the server, s', (side) => side.cpuSeconds, 1)}
${row('CPU per transform, ms', (side) => (side.cpuSeconds * 1000) / settings.requests, 1)}
${row('peak resident memory, MiB', (side) => side.peakResidentBytes / 2 ** 20)}
${row('bytes sent, MB', (side) => side.bytes / 1e6, 2)}
| errors | ${calotype.errors} | ${sharp.errors} | |

Requests per second over the rounds: Calotype ${range('calotype')}, sharp ${range('sharp')}. Answers of different size: ${result.size_differences.length}.
The load generator used ${calotype.loaderCpuSeconds.toFixed(1)} s of CPU beside Calotype and ${sharp.loaderCpuSeconds.toFixed(1)} s beside sharp, on the same machine. Load average before the rounds: ${result.rounds_measured.map((run) => run.loadBefore.toFixed(1)).join(', ')}.

## The pictures

Against a full decode scaled by Pillow's Lanczos filter, pictures of \`scale-down\` only. SSIMULACRA2: 100 is identical, 90 hardly to be told apart, 70 good.

| | pictures | kB | SSIMULACRA2 | worst | SSIM | PSNR, dB |
|---|---:|---:|---:|---:|---:|---:|
${quality.join('\n')}

## Where and with what

- ${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, ${machine.kernel}; ${result.date.slice(0, 16).replace('T', ' ')} UTC
- ${versions.calotype} (${versions.commit}), ${settings.calotype}
- sharp ${versions.sharp.sharp} with libvips ${versions.sharp.vips}, mozjpeg ${versions.sharp.mozjpeg}, libwebp ${versions.sharp.webp}, Node ${versions.node}; concurrency ${settings.sharp.concurrency}, cache ${settings.sharp.cache.memory.max} MB, UV_THREADPOOL_SIZE ${settings.sharp.UV_THREADPOOL_SIZE}, WebP effort ${settings.sharp.webp.effort ?? '4 (default)'}
`;
}
