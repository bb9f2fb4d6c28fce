"""Runs jobs J1 to J9 with Calotype, sharp and oximg in turn, judges what comes out, and writes report/jobs.{json,md} and report/jobs-*.svg.

Started by ../jobs.sh, which builds and installs what it needs. What is compared and how: ../METHODOLOGY.md.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import numpy
import PIL

import charts
import report
from jobs import JOBS
from score import Scorer
from sides import LIKE, USERS, Runner, Unable
from sources import Sources, photographs

HERE = pathlib.Path(__file__).parent
# Processes of one side for one job over which a round does not repeat: AVIF by sharp takes seconds.
SLOW_MS, SLOW_ROUNDS = 1000, 3


def arguments():
    parser = argparse.ArgumentParser(prog="bench/jobs.sh", description="Measures jobs J1 to J9 and writes bench/report/jobs.*.")
    parser.add_argument("--jobs", help="some of the jobs, such as J1,J4; J6 is all of J6", default="")
    parser.add_argument("--rounds", type=int, default=5, help="processes per side and job; 3 where one run takes longer than a second")
    parser.add_argument("--repeats", type=int, default=3, help="runs per process, after one that does not count")
    parser.add_argument("--budget-ms", type=int, default=1000, help="no further run is started in a process after this time")
    parser.add_argument("--photographs", type=int, default=2, help="photographs per job")
    parser.add_argument("--ours-only", action="store_true", help="only Calotype, and no interpolation of bytes")
    parser.add_argument("--no-quality", action="store_true", help="times, memory and bytes alone")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core that everything timed is pinned to")
    parser.add_argument("--out", type=pathlib.Path, help="where to write; bench/report, or the work folder where only a part is measured")
    options = parser.parse_args()
    if not options.out:
        is_part = options.jobs or options.ours_only or options.no_quality
        options.out = pathlib.Path(os.environ["BENCH_WORK"]) / "part" if is_part else HERE.parent / "report"
    return options


def main():
    options = arguments()
    work = pathlib.Path(os.environ["BENCH_WORK"])
    chosen = [job for job in JOBS if not options.jobs or any(job.name == name or job.name.startswith(f"{name} ") for name in options.jobs.split(","))]
    if not chosen:
        raise SystemExit(f"bench: no such job; there are {', '.join(job.name for job in JOBS)}")
    found = photographs(os.environ["BENCH_PHOTOS"], options.photographs)
    sets = [Sources(photograph, work / "sources") for photograph in found]
    for sources in sets:
        for recipe in sorted({recipe for job in chosen for recipe in (job.source, job.like) if recipe}):
            say(f"{sources.name}: {recipe}", sources.path(recipe).stat().st_size, "bytes")

    runner = Runner(
        core=options.core,
        repeats=options.repeats,
        budget_ms=options.budget_ms,
        calotype=os.environ["BENCH_CALOTYPE"],
        oximg=os.environ.get("BENCH_OXIMG"),
        oximg_has_avif=os.environ.get("BENCH_OXIMG_AVIF") == "1",
    )
    results = work / "results"
    results.mkdir(parents=True, exist_ok=True)
    cases = cases_of(chosen, sets, options.ours_only, results)
    loads = measure(cases, runner, options.rounds)
    scorer = None if options.no_quality else Scorer(os.environ["BENCH_JUDGE"], work)
    rows = [row(case, scorer) for case in cases]
    equal = [] if options.ours_only or options.no_quality else at_equal_score(chosen, sets, rows, runner, scorer, results)
    result = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "machine": machine(options.core, loads),
        "versions": versions(cases),
        "settings": {name: getattr(options, name) for name in ("rounds", "repeats", "budget_ms", "photographs")},
        "jobs": [{"name": job.name, "title": job.title, "options": job.options} for job in chosen],
        "sources": [about_source(sources, job) for sources in sets for job in chosen],
        "sides": {table: [{"name": side.name, "about": side.about, "settings": dict(side.settings)} for side in sides] for table, sides in (("users", USERS), ("like", LIKE))},
        "rows": rows,
        "equal": equal,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "jobs.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "jobs.md").write_text(report.markdown(result))
    charts.write(result, options.out)
    print(report.markdown(result))
    say("written to", options.out)


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def cases_of(chosen, sets, ours_only, results):
    """Everything that is timed: one side on one job with one photograph."""
    cases = []
    for job in chosen:
        for sources in sets:
            for table, sides in (("users", USERS), ("like", LIKE)):
                recipe = job.source if table == "users" else job.like
                for side in sides if recipe else ():
                    if ours_only and side.product != "calotype":
                        continue
                    # Nothing would differ from what is measured for the other table.
                    same = next((case for case in cases if case["job"] is job and case["sources"] is sources and case["recipe"] == recipe
                                 and side.product == "calotype" == case["side"].product), None)
                    name = f"{job.name} {sources.name} {table} {side.name}.{job.format}".replace("/", "-")
                    cases.append({"job": job, "sources": sources, "table": table, "side": side, "recipe": recipe, "source": sources.path(recipe),
                                  "out": results / name, "same": same, "processes": [], "unable": None})
    return cases


def measure(cases, runner, rounds):
    """Round by round, so that what slows the machine for a while slows all sides. Gives the load average before each round."""
    loads = []
    for round_ in range(rounds):
        loads.append(round(os.getloadavg()[0], 2))
        for case in cases:
            took = [run["cpu_us"] / 1000 for process in case["processes"] for run in process["runs"]]
            if case["same"] or case["unable"] or (round_ >= SLOW_ROUNDS and statistics.median(took) > SLOW_MS):
                continue
            try:
                case["processes"].append(runner.run(case["side"], case["job"], case["source"], case["out"]))
            except Unable as reason:
                case["unable"] = str(reason)
                continue
            if round_ == 0:
                last = case["processes"][-1]
                say(f"{case['job'].name}, {case['sources'].name}, {case['table']}, {case['side'].name}: {last['runs'][-1]['cpu_us'] / 1000:.1f} ms, {last['bytes']} bytes")
        say(f"round {round_ + 1} of {rounds} done, load average {os.getloadavg()[0]:.1f}")
    return loads


def row(case, scorer):
    measured = case["same"] or case
    row = {"job": case["job"].name, "photograph": case["sources"].name, "table": case["table"], "side": case["side"].name}
    if measured["unable"]:
        return row | {"unable": measured["unable"]}
    runs = [run for process in measured["processes"] for run in process["runs"]]
    cpu = [run["cpu_us"] / 1000 for run in runs]
    row |= {
        "cpu_ms": round(statistics.median(cpu), 2),
        "cpu_ms_least": round(min(cpu), 2),
        "cpu_ms_most": round(max(cpu), 2),
        "wall_ms": round(statistics.median(run["wall_us"] / 1000 for run in runs), 2),
        "peak_mb": round(statistics.median(process["peak_kb"] for process in measured["processes"]) * 1024 / 1e6, 1),
        "idle_mb": round(statistics.median(process["idle_kb"] for process in measured["processes"]) * 1024 / 1e6, 1),
        "bytes": measured["processes"][-1]["bytes"],
        "runs": len(runs),
        "processes": len(measured["processes"]),
    }
    if scorer:
        row["quality"] = scorer.score(case["source"], measured["out"], case["job"].alpha)
        say(f"{row['job']}, {row['photograph']}, {row['table']}, {row['side']}: {row['quality']}")
    return row


def at_equal_score(chosen, sets, rows, runner, scorer, results):
    """Bytes of Calotype at the scores of sharp's answers, between the two of several qualities that are next to them."""
    equal = []
    for job in chosen:
        for sources in sets if job.ladder else ():
            source = sources.path(job.source)
            ladder = []
            for quality in job.ladder:
                out = results / f"{job.name} {sources.name} q{quality}.{job.format}"
                given = runner.run(USERS[0], job, source, out, quality=quality, repeats=0)
                ladder.append({"quality": quality, "bytes": given["bytes"], **scorer.score(source, out, job.alpha)})
            say(f"{job.name}, {sources.name}: qualities {', '.join(str(quality) for quality in job.ladder)} judged")
            rivals = [row for row in rows if row["job"] == job.name and row["photograph"] == sources.name and row["table"] == "users"
                      and row["side"] != "calotype" and "gamma" in row.get("quality", {})]
            for rival in rivals:
                for light in ("gamma", "linear"):
                    score = rival["quality"][light]["ssimulacra2"]
                    at = interpolated(ladder, light, score)
                    equal.append({"job": job.name, "photograph": sources.name, "side": rival["side"], "light": light, "score": score, "bytes": rival["bytes"],
                                  "calotype_bytes": at and round(at), "ratio": at and round(at / rival["bytes"], 4), "ladder": ladder})
    return equal


def interpolated(ladder, light, score):
    """Bytes at a score, linear in the logarithm of bytes; None where the score is beyond the qualities tried."""
    points = sorted((step[light]["ssimulacra2"], math.log(step["bytes"])) for step in ladder if light in step)
    if not points or not points[0][0] <= score <= points[-1][0]:
        return None
    return math.exp(numpy.interp(score, [point[0] for point in points], [point[1] for point in points]))


def about_source(sources, job):
    path = sources.path(job.source)
    with PIL.Image.open(path) as image:
        return {"job": job.name, "photograph": sources.photograph.name, "file": path.name, "width": image.width, "height": image.height, "bytes": path.stat().st_size}


def machine(core, loads):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "core": core, "kernel": f"{platform.system()} {platform.release()}", "load_before_rounds": loads}


def versions(cases):
    def text(*command):
        return subprocess.run(command, capture_output=True, text=True, cwd=HERE).stdout.strip()

    sharp = next((process["versions"] for case in cases for process in case["processes"] if "versions" in process), {})
    return {
        "calotype": text("git", "describe", "--always", "--dirty"),
        "rustc": text("rustc", "--version"),
        "node": text("node", "--version"),
        "sharp": sharp,
        "oximg": os.environ.get("BENCH_OXIMG_VERSION", "not installed"),
        "judge": os.environ["BENCH_JUDGE_VERSION"],
        "pillow": PIL.__version__,
        "numpy": numpy.__version__,
    }


main()
