// Makes one transform some times with sharp, in the same loop and with the same answer as meter.rs.
//
//   node sharp.js SOURCE WIDTH FORMAT OPTIONS ANIMATED REPEATS BUDGET_MS OUT
//
// One thread, since one core is measured; no cache, since no server gets the same request twice.
import fs from 'node:fs';
import sharp from 'sharp';

const [source, width, format, options, animated, repeats, budgetMs, out] = process.argv.slice(2);
sharp.concurrency(1);
sharp.cache(false);
const bytes = fs.readFileSync(source);
const settings = JSON.parse(options);
const peakKb = () => Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'latin1'))?.[1] ?? 0);

const idle = peakKb();
const begun = performance.now();
const runs = [];
let answer;
for (let run = 0; run <= Number(repeats); run += 1) {
  const [start, cpuBefore] = [performance.now(), process.cpuUsage()];
  answer = await sharp(bytes, { animated: animated === 'true' })
    .rotate()
    .resize({ width: Number(width), withoutEnlargement: true })
    [format](settings)
    .toBuffer();
  const { user, system } = process.cpuUsage(cpuBefore);
  const wall = performance.now() - start;
  const over = performance.now() - begun >= Number(budgetMs);
  if (run > 0 || over || repeats === '0') runs.push({ cpu_us: user + system, wall_us: Math.round(wall * 1000) });
  if (over) break;
}
console.log(JSON.stringify({ bytes: answer.length, idle_kb: idle, peak_kb: peakKb(), runs, versions: sharp.versions }));
if (out !== '-') fs.writeFileSync(out, answer);
