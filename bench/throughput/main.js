// Runs the comparison: a round of Calotype, a round of sharp, and again; then the pictures of a sample are judged; then the report is written.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commit, machine, text } from './about.js';
import { jobs, photographs, QUALITY } from './jobs.js';
import { get, load } from './load.js';
import { cpuSeconds, peakResidentBytes, start } from './process.js';
import { markdown, summary } from './report.js';

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '32' },
    'quality-sample': { type: 'string', default: '24' },
    'sharp-webp-effort': { type: 'string' },
    out: { type: 'string', default: path.join(import.meta.dirname, '../report') },
  },
});
const [requests, rounds, concurrency, sample] = ['requests', 'rounds', 'concurrency', 'quality-sample'].map((name) => Number(options[name]));
/** Requests before the clock starts, so that neither side pays for its first pages and its just-in-time compiler. */
const WARM_UP = concurrency;

const photoFolder = process.env.BENCH_PHOTOS ?? (process.env.CALOTYPE_SHARED && path.join(process.env.CALOTYPE_SHARED, 'corpus/photo'));
if (!photoFolder) {
  console.error('bench: set BENCH_PHOTOS to a folder with at least nine photographs (JPEG, 3 megapixels or more)');
  process.exit(2);
}
const binary = path.resolve(process.env.CALOTYPE_BIN);

const work = await fs.mkdtemp(path.join(os.tmpdir(), 'calotype-bench-'));
try {
  await main();
} finally {
  await fs.rm(work, { recursive: true, force: true });
}

async function main() {
  const photos = await photographs(photoFolder);
  const root = path.join(work, 'photos');
  await fs.mkdir(root);
  for (const photo of photos) await fs.copyFile(photo.file, path.join(root, photo.name));
  const list = jobs(photos, requests);
  // A size of its own, so that no measured transform has run before.
  const warmUp = Array.from({ length: WARM_UP }, (_, index) => ({ name: photos[index % photos.length].name, width: 333, height: 333 - (index >> 3), fit: 'cover', format: index % 2 ? 'webp' : 'jpeg' }));

  const flags = ['serve', '--listen', '127.0.0.1:0', '--root', root, '--no-playground', '--no-hosted', '--set', 'log=warn'];
  const sharpArgs = [path.join(import.meta.dirname, 'sharp-server.js'), root, ...(options['sharp-webp-effort'] ? [options['sharp-webp-effort']] : [])];
  const sides = {
    calotype: {
      start: (round) => start(binary, [...flags, '--data', path.join(work, `data-${round}`)]),
      path: (job) => `/cdn-cgi/image/w=${job.width},h=${job.height},fit=${job.fit},q=${QUALITY},f=${job.format}/${job.name}`,
    },
    sharp: {
      start: () => start(process.execPath, sharpArgs),
      path: (job) => `/${job.name}?w=${job.width}&h=${job.height}&fit=${job.fit}&q=${QUALITY}&f=${job.format}`,
    },
  };

  const measured = [];
  const judged = [];
  let sharpSettings;
  for (let round = 1; round <= rounds; round += 1) {
    for (const [side, { start: begin, path: pathOf }] of Object.entries(sides)) {
      const server = await begin(round);
      try {
        if (side === 'sharp') sharpSettings ??= await (await fetch(`${server.origin}/settings`)).json();
        const warm = await load(server.origin, warmUp, pathOf, concurrency);
        if (warm.errors.length) throw new Error(`${side} fails already while warming up: ${warm.errors[0]}`);
        const loadBefore = os.loadavg()[0];
        const cpuBefore = cpuSeconds(server.pid);
        const loaderBefore = process.cpuUsage();
        const run = await load(server.origin, list, pathOf, concurrency);
        const loader = process.cpuUsage(loaderBefore);
        const cpu = cpuSeconds(server.pid) - cpuBefore;
        measured.push({ round, side, ...run, cpuSeconds: cpu, loaderCpuSeconds: (loader.user + loader.system) / 1e6, peakResidentBytes: peakResidentBytes(server.pid), loadBefore });
        console.error(`round ${round} ${side}: ${run.perSecond.toFixed(1)} requests/s, CPU ${cpu.toFixed(1)} s, ${run.errors.length} errors`);
        run.errors.slice(0, 3).forEach((error) => console.error(`  ${error}`));
        if (round === 1) judged.push(...(await keepSample(server, side, pathOf, list, photos)));
      } finally {
        await server.stop();
      }
    }
  }

  const result = {
    date: new Date().toISOString(),
    machine: machine(),
    versions: { calotype: text(binary, ['--version']), node: process.version, sharp: sharpSettings.versions, commit: commit() },
    settings: {
      requests, rounds, concurrency, warm_up: WARM_UP, quality: QUALITY,
      calotype: `${path.basename(path.dirname(binary))} build; ${flags.map((flag) => (flag === root ? 'PHOTOS' : flag)).join(' ')} --data EMPTY`,
      sharp: { concurrency: sharpSettings.concurrency, cache: sharpSettings.cache, simd: sharpSettings.simd, webp: sharpSettings.webp,
        UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? 'not set (4)' },
    },
    photographs: photos.map(({ file, width, height, bytes }) => ({ file: path.relative(photoFolder, file), width, height, bytes })),
    ...summary(measured, list),
    pictures: judge(judged),
  };
  await fs.mkdir(options.out, { recursive: true });
  await fs.writeFile(path.join(options.out, 'throughput.json'), `${JSON.stringify(result, null, 2)}\n`);
  await fs.writeFile(path.join(options.out, 'throughput.md'), markdown(result));
  console.log(markdown(result));
  if (result.sides.calotype.errors || result.sides.sharp.errors) process.exitCode = 1;
}

/** Fetches jobs of `scale-down` again and keeps the answers: only there both sides must show the very same cut. */
async function keepSample(server, side, pathOf, list, photos) {
  const agent = new http.Agent({ keepAlive: true });
  const kept = [];
  for (const job of list.filter((each) => each.fit === 'scale-down').slice(0, sample)) {
    const { body } = await get(agent, server.origin, pathOf(job));
    const file = path.join(work, `${side}-${kept.length}`);
    await fs.writeFile(file, body);
    kept.push({ side, format: job.format, source: photos.find((photo) => photo.name === job.name).file, file, bytes: body.length });
  }
  agent.destroy();
  return kept;
}

function judge(pictures) {
  const input = pictures.sort((a, b) => (a.source < b.source ? -1 : 1)).map((each) => JSON.stringify(each)).join('\n');
  return JSON.parse(execFileSync(process.env.BENCH_PYTHON, [path.join(import.meta.dirname, 'quality.py')], { input, stdio: ['pipe', 'pipe', 'inherit'] }).toString());
}
