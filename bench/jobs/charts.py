"""Charts of the result, for pages that are light or dark."""

import textwrap

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plot

import report

# Colours of Okabe and Ito, which the colour-blind can tell apart.
COLORS = {"calotype": "#0072B2", "sharp": "#999999", "oximg": "#E69F00", "oximg fastest": "#CC5500"}
INK, PALE_INK = "#1f2328", "#d9dee3"
# The page's own text colour cannot be had in a picture; the reader's preference can.
DARK = f"""<style>@media (prefers-color-scheme: dark) {{
[style*="fill: {INK}"] {{ fill: {PALE_INK} !important }}
[style*="stroke: {INK}"] {{ stroke: {PALE_INK} !important }}
}}</style>"""
STYLE = {
    "svg.hashsalt": "calotype",
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def write(result, folder):
    users = [row for row in result["rows"] if row["table"] == "users" and "unable" not in row]
    if not any(row["side"] == "sharp" for row in users):
        return
    names = [job["name"] for job in result["jobs"]]
    titles = {job["name"]: textwrap.fill(f"{job['name']}: {job['title']}", 26) for job in result["jobs"]}
    sides = list(dict.fromkeys(row["side"] for row in users))

    def of(job, side):
        return [row for row in users if (row["job"], row["side"]) == (job, side)]

    cpu = {side: [report.relative(users, of(job, side), "cpu_ms") for job in names] for side in sides if side != "sharp"}
    memory = {side: [max((row["peak_mb"] for row in of(job, side)), default=None) for job in names] for side in sides}
    bars(folder / "jobs-cpu.svg", "CPU time of one job, sharp = 1 (lower is better)", titles.values(), cpu, "{:.2f}", one=True)
    bars(folder / "jobs-memory.svg", "Peak memory of the process, MB (lower is better)", titles.values(), memory, "{:.0f}")
    if result["equal"]:
        lights = {"gamma": "calotype", "linear": "oximg"}
        equal = [each for each in result["equal"] if each["side"] == "sharp"]
        with_quality = [name for name in names if any(each["job"] == name for each in equal)]
        series = {light: [report.equal_ratio([each for each in equal if each["job"] == name], light) for name in with_quality] for light in lights}
        labels = {light: f"judged in {'linear light' if light == 'linear' else light}" for light in lights}
        title = "Bytes of Calotype at the score of sharp, sharp = 1 (lower is better)"
        bars(folder / "jobs-bytes.svg", title, [titles[name] for name in with_quality], {labels[light]: values for light, values in series.items()}, "{:.2f}", one=True,
             colors={labels[light]: COLORS[color] for light, color in lights.items()})


def bars(path, title, names, series, number, one=False, colors=COLORS):
    """Groups of horizontal bars, a value written at the end of each."""
    thickness = 0.8 / len(series)
    with plot.rc_context(STYLE):
        figure, axes = plot.subplots(figsize=(8.6, 1.2 + len(names) * (0.2 + 0.2 * len(series))), layout="constrained")
        most = max([value for values in series.values() for value in values if value is not None] + ([1] if one else []))
        for index, (side, values) in enumerate(series.items()):
            places = [place + (index - (len(series) - 1) / 2) * thickness for place in range(len(names))]
            axes.barh(places, [value or 0 for value in values], thickness * 0.9, color=colors[side], label=side)
            for place, value in zip(places, values):
                axes.text((value or 0) + most * 0.008, place, "–" if value is None else number.format(value), va="center", fontsize=8.5)
        if one:
            axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(range(len(names)), list(names), fontsize=9.5)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, most * 1.08)
        figure.suptitle(title, fontsize=12.5, fontweight="bold", x=0.01, ha="left")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=len(series), frameon=False)
        figure.savefig(path, transparent=True, metadata={"Date": None, "Title": title})
        plot.close(figure)
    text = path.read_text()
    path.write_text(text.replace("<defs>", f"{DARK}\n <defs>", 1))
