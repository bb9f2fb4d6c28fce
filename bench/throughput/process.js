// Servers as processes of their own, and what the kernel knows about them (Linux: proc(5)).
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK']).toString());

/** Starts a server that prints "listening on URL", or only ":PORT"; gives `{ pid, origin, stop }`. */
export function start(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let log = '';
    const ended = new Promise((done) => child.once('exit', done));
    const stop = async () => {
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(forced);
    };
    child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        out = (out + chunk).slice(-4000);
        const found = /listening on (?:(http:\/\/[^\s/]+)|:(\d+))(?=[\s/])/.exec(out);
        if (found) resolve({ pid: child.pid, origin: found[1] ?? `http://127.0.0.1:${found[2]}`, stop });
      });
    }
    child.once('error', reject);
    ended.then((code) => reject(new Error(`${command} ended with ${code} before it listened: ${log}`)));
  });
}

/** CPU seconds, user and system, of a process and of all below it, the ended ones included. */
export function cpuSeconds(pid) {
  return tree(pid).reduce((sum, each) => {
    // The name in brackets may hold spaces; the fields after it are counted from 3 (proc_pid_stat(5)).
    const fields = fs.readFileSync(`/proc/${each}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
    const ticks = [14, 15, 16, 17].reduce((total, number) => total + Number(fields[number - 3]), 0);
    return sum + ticks / TICKS_PER_SECOND;
  }, 0);
}

/** The most memory that was ever resident, in bytes, summed over a process and all below it. */
export function peakResidentBytes(pid) {
  return tree(pid).reduce((sum, each) => sum + Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${each}/status`, 'latin1'))[1]) * 1024, 0);
}

function tree(pid) {
  const children = fs.readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    fs.readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number));
  return [pid, ...children.flatMap(tree)];
}
