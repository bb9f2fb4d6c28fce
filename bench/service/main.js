// Asks three servers in turn for the same photographs, each format by itself, and writes report/service.{json,md}. Started by ../service.sh.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commit, machine, text } from '../throughput/about.js';
import { get, load } from '../throughput/load.js';
import { cpuSeconds, peakResidentBytes, start } from '../throughput/process.js';
import { markdown } from './report.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    connections: { type: 'string', default: '2' },
    photographs: { type: 'string', default: '100' },
    formats: { type: 'string', default: 'jpeg,png,webp,avif' },
    'quality-sample': { type: 'string', default: '10' },
    out: { type: 'string', default: path.join(import.meta.dirname, '../report') },
  },
});
const [seconds, connections, count, sample] = ['seconds', 'connections', 'photographs', 'quality-sample'].map((name) => Number(options[name]));
const formats = options.formats.split(',');
const BOX = 512;
/** The same number for all; what it means is each encoder's own affair, so bytes and scores stand beside the speed. */
const QUALITY = { jpeg: 80, webp: 80, avif: 50 };
/** More transforms than a second of any server here makes, for every second. */
const PER_SECOND_MOST = 400;

const work = process.env.BENCH_WORK;
const binary = path.resolve(process.env.BENCH_CALOTYPE);
const python = (script, args, input) => JSON.parse(execFileSync(process.env.BENCH_PYTHON, [path.join(import.meta.dirname, script), ...args], { input, stdio: ['pipe', 'pipe', 'inherit'], maxBuffer: 1 << 28 }).toString());

const scratch = await fs.mkdtemp(path.join(work, 'run-'));
try {
  await main();
} finally {
  await fs.rm(scratch, { recursive: true, force: true });
}

async function main() {
  console.error(`making ${count} photographs in ${formats.length} formats, unless they are there`);
  const photographs = python('photographs.py', [process.env.BENCH_PHOTOS, path.join(work, 'photographs'), String(count), ...formats]);
  const sides = {
    calotype: {
      start: (root) => start(binary, ['serve', '--listen', '127.0.0.1:0', '--root', root, '--no-playground', '--set', 'log=warn', '--data', path.join(scratch, `data-${path.basename(root)}`)]),
      // With a quality a PNG would get a palette.
      path: (job) => `/cdn-cgi/image/w=${BOX},h=${BOX},fit=scale-down,${QUALITY[job.format] ? `q=${QUALITY[job.format]},` : ''}f=${job.format}/${job.name}`,
    },
    sharp: {
      start: (root) => start(process.execPath, [path.join(import.meta.dirname, '../throughput/sharp-server.js'), root]),
      path: (job) => `/${job.name}?w=${BOX}&h=${BOX}&fit=scale-down&q=${QUALITY[job.format] ?? ''}&f=${job.format}`,
    },
    oximg: {
      start: (root) => start(process.env.BENCH_OXIMG, [], { ...process.env, PORT: '0', OXIMG_BIND: '127.0.0.1', IMAGES_DIR: root, OXIMG_OPTIONS_PREFIX: '/cdn-cgi/image' }),
      path: (job) => `/cdn-cgi/image/width=${BOX},height=${BOX},${QUALITY[job.format] ? `quality=${QUALITY[job.format]},` : ''}format=${job.format}/${job.name}`,
    },
  };
  if (!process.env.BENCH_OXIMG) delete sides.oximg;

  const rows = [];
  const judged = [];
  let sharpSettings;
  for (const format of formats) {
    const root = path.join(scratch, format);
    const list = await linked(photographs[format], root, format);
    for (const [side, { start: begin, path: pathOf }] of Object.entries(sides)) {
      if (side === 'oximg' && format === 'avif' && !process.env.BENCH_OXIMG_AVIF) {
        rows.push({ format, side, unable: 'built without AVIF, which needs SVT-AV1 4.1 and dav1d of the system' });
        continue;
      }
      const server = await begin(root);
      try {
        if (side === 'sharp') sharpSettings ??= await (await fetch(`${server.origin}/settings`)).json();
        const warm = await load(server.origin, list.warmUp, pathOf, connections);
        if (warm.errors.length) throw new Error(`${side} fails already while warming up: ${warm.errors[0]}`);
        const loadBefore = os.loadavg()[0];
        const cpuBefore = cpuSeconds(server.pid);
        const run = await load(server.origin, list.jobs, pathOf, connections, seconds);
        const cpu = cpuSeconds(server.pid) - cpuBefore;
        if (run.requests === list.jobs.length) throw new Error('the photographs ran out; PER_SECOND_MOST is too little');
        const { sizes, errors, ...figures } = run;
        rows.push({ format, side, ...figures, cpuSeconds: cpu, peakResidentBytes: peakResidentBytes(server.pid), errors: errors.length, first_errors: errors.slice(0, 3), loadBefore });
        console.error(`${format}, ${side}: ${run.perSecond.toFixed(1)} requests/s, p95 ${run.p95Ms.toFixed(0)} ms, ${errors.length} errors`);
        judged.push(...(await keepSample(server, format, side, pathOf, photographs[format])));
      } finally {
        await server.stop();
      }
    }
  }

  const scores = python('judge.py', [], judged.map(({ source, file }) => JSON.stringify({ source, file })).join('\n'));
  const result = {
    date: new Date().toISOString(),
    machine: machine(),
    versions: { calotype: text(binary, ['--version']), commit: commit(), node: process.version, sharp: sharpSettings.versions, oximg: process.env.BENCH_OXIMG_VERSION ?? 'not installed', judge: process.env.BENCH_JUDGE_VERSION },
    settings: { seconds, connections, photographs: count, box: BOX, quality: QUALITY, sample, sharp: { concurrency: sharpSettings.concurrency, cache: sharpSettings.cache } },
    photographs: Object.fromEntries(formats.map((format) => [format, photographs[format].map(({ name, width, height, bytes }) => ({ name, width, height, bytes }))])),
    rows,
    pictures: judged.map(({ format, side, bytes, name }, index) => ({ format, side, name, bytes, ...scores[index] })),
  };
  await fs.mkdir(options.out, { recursive: true });
  await fs.writeFile(path.join(options.out, 'service.json'), `${JSON.stringify(result, null, 1)}\n`);
  await fs.writeFile(path.join(options.out, 'service.md'), markdown(result));
  console.log(markdown(result));
  if (rows.some((row) => row.errors)) process.exitCode = 1;
}

/**
 * Every photograph under so many names that no URL is asked for twice: hard links, so that the disk holds it once. In turn, so that each second of the
 * run has the same mixture.
 */
async function linked(photographs, root, format) {
  await fs.mkdir(root);
  const jobs = [];
  const warmUp = [];
  const rounds = Math.ceil((PER_SECOND_MOST * seconds) / photographs.length);
  for (let round = 0; round <= rounds; round += 1) {
    for (const photograph of photographs) {
      const name = `${round}-${photograph.name}`;
      await fs.link(photograph.file, path.join(root, name));
      (round === 0 ? warmUp : jobs).push({ name, format });
    }
  }
  // From small to large and back in steps that meet every photograph once.
  const mixed = jobs.map((_, index) => jobs[Math.floor(index / photographs.length) * photographs.length + ((index * 37) % photographs.length)]);
  return { jobs: photographs.length % 37 ? mixed : jobs, warmUp: warmUp.filter((_, index) => index % Math.ceil(photographs.length / 10) === 0) };
}

async function keepSample(server, format, side, pathOf, photographs) {
  const agent = new http.Agent({ keepAlive: true });
  const kept = [];
  for (const photograph of photographs.filter((_, index) => index % Math.ceil(photographs.length / sample) === 0)) {
    const { status, body } = await get(agent, server.origin, pathOf({ name: `1-${photograph.name}`, format }));
    if (status !== 200) continue;
    const file = path.join(scratch, `${side}-${photograph.name}`);
    await fs.writeFile(file, body);
    kept.push({ format, side, name: photograph.name, source: photograph.file, file, bytes: body.length });
  }
  agent.destroy();
  return kept;
}
