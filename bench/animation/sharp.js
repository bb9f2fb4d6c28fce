// Encodes raw frames with sharp. Input: one JSON line per job {file, width, height, frames, duration_ms, format, options, out}; output: one JSON line each.
import fs from 'node:fs/promises';
import readline from 'node:readline';
import sharp from 'sharp';

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { file, width, height, frames, duration_ms: delay, format, options, out } = JSON.parse(line);
  const raw = await fs.readFile(file);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const bytes = await sharp(raw, { raw: { width, height: height * frames, channels: 4, pageHeight: height } })
    [format]({ ...options, loop: 0, delay: Array(frames).fill(delay) })
    .toBuffer();
  const wall_ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  await fs.writeFile(out, bytes);
  console.log(JSON.stringify({ wall_ms, cpu_ms: (user + system) / 1000, versions: sharp.versions }));
}
