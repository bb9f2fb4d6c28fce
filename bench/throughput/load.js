// The load generator: a closed loop with a fixed number of requests in flight over kept-alive connections. Every body is read to its end and checked.
import http from 'node:http';
import { imageHeader } from './image-header.js';

/** Asks for one path. Resolves to `{ status, body, ms }`; rejects when the connection fails or takes longer than two minutes. */
export function get(agent, origin, path) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const request = http.get(origin + path, { agent, timeout: 120_000 }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks), ms: performance.now() - started }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
  });
}

/**
 * Runs all jobs, or as many as are begun within some seconds; `pathOf(job)` is its path on this server. Gives wall time, latencies, bytes, sizes of the
 * pictures and what went wrong.
 */
export async function load(origin, jobs, pathOf, inFlight, seconds = Infinity) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight, maxFreeSockets: inFlight });
  const measured = new Float64Array(jobs.length);
  const sizes = new Array(jobs.length);
  const errors = [];
  let next = 0;
  let bytes = 0;
  const started = performance.now();
  const worker = async () => {
    while (next < jobs.length && performance.now() - started < seconds * 1000) {
      const index = next;
      next += 1;
      const job = jobs[index];
      try {
        const { status, body, ms } = await get(agent, origin, pathOf(job));
        measured[index] = ms;
        bytes += body.length;
        if (status !== 200) throw new Error(`status ${status}: ${body.toString('utf8', 0, 200)}`);
        const header = imageHeader(body);
        if (header.format !== job.format) throw new Error(`asked for ${job.format}, got ${header.format}`);
        sizes[index] = `${header.width}x${header.height}`;
      } catch (error) {
        errors.push(`${pathOf(job)}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const wallMs = performance.now() - started;
  agent.destroy();
  const latencies = measured.subarray(0, next).sort();
  return { requests: next, wallMs, perSecond: (next - errors.length) / (wallMs / 1000), p50Ms: quantile(latencies, 0.5), p95Ms: quantile(latencies, 0.95), p99Ms: quantile(latencies, 0.99), bytes, sizes, errors };
}

/** The smallest value that at least this part of the sorted values does not exceed (nearest rank). */
export function quantile(sorted, part) {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
}
