// The machine and the tools, as a report names them.
import { execFileSync } from 'node:child_process';
import os from 'node:os';

export function machine() {
  const cpus = os.cpus();
  return { cpu: cpus[0]?.model.trim() || os.arch(), cores: os.availableParallelism(), memory_gib: Math.round(os.totalmem() / 2 ** 30), kernel: `${os.type()} ${os.release()}` };
}

/** What a command prints. */
export function text(command, args) {
  return execFileSync(command, args).toString().trim();
}

export function commit() {
  try {
    return text('git', ['-C', import.meta.dirname, 'describe', '--always', '--dirty']);
  } catch {
    return 'unknown';
  }
}
