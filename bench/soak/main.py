"""Runs the example `soak` with several allocators and writes what it held. Called by bench/soak.sh."""

import argparse
import glob
import json
import os
import pathlib
import platform
import subprocess

REPORT = pathlib.Path("bench/report")
# Small and large answers of every lossy format, so that sizes change from one allocation to the next.
OPTIONS = "w=800,f=jpeg,q=85;w=327,f=jpeg,q=80;w=1200,h=900,fit=cover,f=webp;w=400,f=avif,q=50;w=600,blur=8,f=png;w=1600,sharpen=1,f=jpeg"


def allocators():
    found = {"default": ("glibc as it comes", {}), "arenas2": ("glibc, 2 arenas", {"MALLOC_ARENA_MAX": "2"})}
    libraries = sorted(glob.glob("/usr/lib/*/libjemalloc.so.2"))
    if libraries:
        found["jemalloc"] = ("jemalloc", {"LD_PRELOAD": libraries[0]})
    return found


def soak(threads, seconds, environment, options, files):
    command = [os.environ["BENCH_SOAK"], str(threads), str(seconds), options, *files]
    done = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def growth(resident):
    """The mean of the last fifth beside that of the second: what is left of a warm start."""
    fifth = max(1, len(resident) // 5)
    mean = lambda part: sum(part) / len(part)
    return mean(resident[-fifth:]) / mean(resident[fifth : 2 * fifth])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--only", choices=["default", "arenas2", "jemalloc"])
    arguments = parser.parse_args()
    photographs = sorted(glob.glob(os.environ["BENCH_PHOTOS"] + "/**/*.jpg", recursive=True))
    result = {"machine": platform.platform(), "threads": arguments.threads, "seconds": arguments.seconds, "photographs": len(photographs), "runs": {}}
    for key, (name, environment) in allocators().items():
        if arguments.only in (None, key):
            run = soak(arguments.threads, arguments.seconds, environment, OPTIONS, photographs)
            result["runs"][key] = {"name": name, "growth": growth(run["resident_kb"]), **run}
    REPORT.mkdir(exist_ok=True)
    (REPORT / "soak.json").write_text(json.dumps(result) + "\n")
    rows = [
        f"| {run['name']} | {run['jobs']} | {run['cpu_ms'] / max(1, run['jobs']):.1f} | {run['peak_kb'] / 1024:.0f} | {run['left_kb'] / 1024:.0f} | {run['growth']:.2f} |"
        for run in result["runs"].values()
    ]
    text = f"""# Memory under churn

{arguments.threads} threads for {arguments.seconds} s, {len(photographs)} photographs in memory, six plans in a mixed order: [METHODOLOGY.md](../METHODOLOGY.md).
Growth is the resident memory of the last fifth of the time relative to the second fifth.

| allocator | jobs | CPU per job, ms | peak, MiB | left at the end, MiB | growth |
|---|---:|---:|---:|---:|---:|
""" + "\n".join(rows) + f"\n\n{result['machine']}\n"
    (REPORT / "soak.md").write_text(text)
    print(text)


main()
