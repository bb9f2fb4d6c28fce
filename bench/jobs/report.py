"""From the result to a page."""

import statistics


def markdown(result):
    parts = [HEAD.format(**result["settings"])]
    for table, title, about in TABLES:
        rows = [row for row in result["rows"] if row["table"] == table]
        if rows:
            parts.append(f"## {title}\n\n{about}\n\n{measured(result, rows)}")
    if result["equal"]:
        parts.append(f"## At equal score\n\n{EQUAL}\n\n{equal(result)}")
    parts.append(f"## Sources\n\n{sources(result)}")
    parts.append(f"## Where and with what\n\n{machine(result)}")
    return "\n\n".join(parts) + "\n"


HEAD = """# Jobs: Calotype, sharp and oximg

Nine jobs, inside one process each, on one core: no server, no network, the source in memory. Medians of {rounds} processes of up to {repeats} runs per side, in turn.
How it is measured: [METHODOLOGY.md](../METHODOLOGY.md). Every figure, for each photograph: [jobs.json](jobs.json). Repeat it with `make bench-jobs`.

CPU: user and system time of the whole process for one job. Ratios are to sharp, geometric means over the photographs; times, bytes and scores are means over them, memory
is the most. Peak memory is that of the whole process, the source in it; sharp's holds Node.
SSIMULACRA2 (higher is better) and Butteraugli's 3-norm (lower is better) against a full decode scaled by Lanczos3 in floating point, in gamma / in linear light.

![CPU time relative to sharp](jobs-cpu.svg)

![Bytes at equal score relative to sharp](jobs-bytes.svg)

![Peak memory](jobs-memory.svg)"""

TABLES = [
    ("users", "As users get it", "Each product on its defaults, at the quality that the job names. The same number is not the same quality: see the scores, and the third table."),
    ("like", "Like for like", "Sources without a profile, and sharp's encoders set to what Calotype's do; where a source cannot be had without its profile, the job is left out."),
]

EQUAL = """Bytes that Calotype needs for the score of another's answer (its default settings, first table), interpolated between several qualities of Calotype in the logarithm of bytes,
relative to the bytes of that answer. Formats without a quality are left out. "–": the score lies beyond the qualities tried."""


def measured(result, rows):
    lines = ["| job | | CPU, ms | of sharp's | wall, ms | peak, MB | kB | of sharp's | SSIMULACRA2 | Butteraugli | |", "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"]
    for job in result["jobs"]:
        last = None
        for side in dict.fromkeys(row["side"] for row in rows if row["job"] == job["name"]):
            of = [row for row in rows if row["job"] == job["name"] and row["side"] == side]
            name = f"{job['name']}: {job['title']}, `{job['options']}`" if last is None else ""
            last = side
            lacking = next((row["unable"] for row in of if "unable" in row), None)
            if lacking:
                lines.append(f"| {name} | {side} | – | | | | | | | | {lacking} |")
                continue
            mean = lambda key: statistics.mean(row[key] for row in of)
            lines.append(
                f"| {name} | {side} | {mean('cpu_ms'):.1f} | {ratio(rows, of, 'cpu_ms')} | {mean('wall_ms'):.1f} | {max(row['peak_mb'] for row in of):.1f} "
                f"| {mean('bytes') / 1000:.1f} | {ratio(rows, of, 'bytes')} | {scores(of, 'ssimulacra2', 1)} | {scores(of, 'butteraugli_3norm', 2)} | {remarks(of)} |"
            )
    return "\n".join(lines)


def ratio(rows, of, key):
    """To sharp's, in the same table."""
    value = relative(rows, of, key)
    return "" if value is None else f"{value:.2f}"


def relative(rows, of, key):
    """Geometric mean over the photographs of the ratio to sharp; None where sharp was not measured."""
    ratios = []
    for row in of:
        rival = next((each for each in rows if (each["job"], each["photograph"], each["table"]) == (row["job"], row["photograph"], row["table"]) and each["side"] == "sharp"), {})
        if key in rival and key in row:
            ratios.append(row[key] / rival[key])
    return statistics.geometric_mean(ratios) if ratios else None


def scores(of, name, digits):
    if not all("gamma" in row.get("quality", {}) for row in of):
        return "–"
    return " / ".join(f"{statistics.mean(row['quality'][light][name] for row in of):.{digits}f}" for light in ("gamma", "linear"))


def remarks(of):
    said = []
    for row in of:
        quality = row.get("quality", {})
        if "error" in quality:
            said.append(quality["error"])
        if quality.get("timing_equal") is False:
            said.append("times of frames differ")
        if quality.get("alpha_error", {}).get("most", 0) > 1:  # One is rounding.
            said.append(f"alpha off by {quality['alpha_error']['mean']:.2f} of 255, at most {quality['alpha_error']['most']}")
    return "; ".join(dict.fromkeys(said))


def equal(result):
    sides = list(dict.fromkeys(each["side"] for each in result["equal"]))
    lines = ["| job | " + " | ".join(f"{side}'s score | Calotype's bytes of {side}'s, gamma / linear" for side in sides) + " |", "|---|" + "---:|---:|" * len(sides)]
    for job in result["jobs"]:
        of = [each for each in result["equal"] if each["job"] == job["name"]]
        if of:
            cells = []
            for side in sides:
                mine = [each for each in of if each["side"] == side]
                score = statistics.mean(each["score"] for each in mine if each["light"] == "gamma") if mine else None
                cells += ["–" if score is None else f"{score:.1f}", " / ".join(shown(equal_ratio(mine, light)) for light in ("gamma", "linear"))]
            lines.append(f"| {job['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def equal_ratio(of, light):
    ratios = [each["ratio"] for each in of if each["light"] == light]
    return statistics.geometric_mean(ratios) if ratios and None not in ratios else None


def shown(value):
    return "–" if value is None else f"{value:.2f}"


def sources(result):
    lines = ["| photograph | job | source | pixels | kB |", "|---|---|---|---:|---:|"]
    lines += [f"| {each['photograph']} | {each['job']} | {each['file']} | {each['width']}x{each['height']} | {each['bytes'] / 1000:.0f} |" for each in result["sources"]]
    return "\n".join(lines)


def machine(result):
    machine, versions = result["machine"], result["versions"]
    sharp = versions["sharp"]
    idle = [row["idle_mb"] for row in result["rows"] if row["side"] == "sharp" and "idle_mb" in row]
    noise = [row["cpu_ms_most"] / row["cpu_ms_least"] for row in result["rows"] if row.get("cpu_ms_least")]
    said = [
        f"{machine['cpu']}, {machine['cores']} cores, pinned to core {machine['core']}; {machine['kernel']}; {result['date'][:16].replace('T', ' ')} UTC",
        f"load average before the rounds: {', '.join(str(load) for load in machine['load_before_rounds'])}; the slowest run of a kind took {statistics.median(noise):.2f} times the fastest (median; {max(noise):.2f} at most)",
        f"calotype {versions['calotype']}, release build, {versions['rustc']}",
    ]
    if sharp:
        said.append(
            f"sharp {sharp['sharp']} with libvips {sharp['vips']}, mozjpeg {sharp.get('mozjpeg', '?')}, libwebp {sharp.get('webp', '?')}, libheif {sharp.get('heif', '?')}, libaom {sharp.get('aom', '?')}, "
            f"Node {versions['node']}; concurrency 1, cache off; the process holds up to {max(idle):.1f} MB before its first job, source included"
        )
        said.append(f"oximg {versions['oximg']}")
    fastest = next(side["settings"] for side in result["sides"]["users"] if side["name"] == "oximg fastest")
    said.append("oximg fastest: " + ", ".join(f"`{name}={value}`" for name, value in fastest.items()))
    said.append(f"judged by {versions['judge']}; references by Pillow {versions['pillow']} and NumPy {versions['numpy']}")
    return "\n".join(f"- {each}" for each in said)
