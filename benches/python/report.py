"""Tables and a plot of a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

LABELS = {
    "trix": "Trix",
    "trix_verified": "Trix, verified",
    "pyav": "PyAV",
    "opencv": "OpenCV",
    "imageio": "imageio-ffmpeg",
    "decord": "decord",
    "torchcodec": "torchcodec",
}
OWN = ("trix", "trix_verified")


def middle(runs: list[dict], key: str) -> float | None:
    values = [run[key] for run in runs if run.get(key) is not None]
    return median(values) if values else None


def spread(runs: list[dict]) -> str:
    values = [run["seconds"] for run in runs if "seconds" in run]
    return f"{median(values):.3f} ({min(values):.3f}..{max(values):.3f})"


def best_peer(tools: dict[str, list[dict]]) -> float | None:
    times = [middle(runs, "seconds") for tool, runs in tools.items() if tool not in OWN]
    return min((time for time in times if time is not None), default=None)


def rows(tools: dict[str, list[dict]]) -> list[list[str]]:
    best = best_peer(tools)
    found = []
    for tool in LABELS:
        runs = tools.get(tool)
        if runs is None:
            continue
        wall = middle(runs, "seconds")
        if wall is None:
            found.append([LABELS[tool], f"failed: {runs[0]['error'][:100]}", *[""] * 6])
            continue
        count = runs[0].get("count")
        extra = []
        if runs[0].get("growth") is not None:
            extra.append(f"memory grew by {runs[0]['growth'] / 2**20:.1f} MiB")
        if "wrong" in runs[0]:
            wrong = runs[0]["wrong"]
            extra.append("wrong frames: " + ("not known" if wrong is None else str(wrong)))
        if "psnr" in runs[0]:
            extra.append(f"{middle(runs, 'kbps'):.0f} kbit/s, PSNR {middle(runs, 'psnr'):.2f} dB")
        found.append([
            LABELS[tool],
            spread(runs),
            f"{wall / best:.2f}" if best else "-",
            f"{middle(runs, 'cpu'):.2f}",
            f"{max(run['peak'] for run in runs if 'peak' in run) / 2**20:.0f}",
            f"{count / wall:.0f}" if count else "-",
            "; ".join(extra),
        ])  # fmt: skip
    return found


HEAD = ["package", "wall s (min..max)", "wall / best peer", "CPU s", "peak MiB", "per second", ""]


def table(head: list[str], body: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 2) + " --- |"]
    return "\n".join(lines + ["| " + " | ".join(row[: len(head)]) + " |" for row in body])


ABILITIES = {
    "planes": "samples of the file, at its depth",
    "rgb": "8-bit RGB or BGR",
    "numbered": "frames by number",
    "sheet": "frames by time, scaled",
    "encode_rgb": "RGB arrays to x264",
    "encode_planes": "10-bit planes to x265",
}


def abilities(functions: dict[str, list[str]]) -> str:
    """What each package can do of what is measured, with its own means."""
    tools = [tool for tool in LABELS if tool in functions and tool != "trix_verified"]
    body = [[title, *("yes" if name in functions[tool] else "-" for tool in tools)] for name, title in ABILITIES.items()]
    lines = ["| | " + " | ".join(LABELS[tool] for tool in tools) + " |", "| --- |" + " --- |" * len(tools)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def markdown(kept: dict) -> str:
    about = kept["machine"]
    parts = [
        f"# Trix and other packages for Python, {about['date']}",
        "\n".join([
            f"- {about['cpu']}; {about['system']}; load before the first run: {about['load']}",
            f"- rounds: {kept['rounds']}",
            *(f"- {LABELS[tool]}: {version}" for tool, version in kept["versions"].items() if tool != "trix_verified"),
            *(f"- {LABELS[tool]} was not measured: {why}" for tool, why in kept["missing"].items()),
        ]),
    ]  # fmt: skip
    parts.append(f"## What each can do\n\n{abilities(kept['functions'])}")
    for name, title in kept["cases"].items():
        parts.append(f"## {name}: {title}\n\n{table(HEAD, rows(kept['results'][name]))}")
    parts.append("docs/benchmarks.md says what each case does and how to read the tables.")
    return "\n\n".join(parts) + "\n"


def plot(kept: dict, path: Path) -> None:
    """Bars of wall time for each case. The shortest bar of a peer has the length 1."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "trix"
    # Letters as text: their outlines would double the size of the file.
    matplotlib.rcParams["svg.fonttype"] = "none"
    shown = [name for name in kept["cases"] if best_peer(kept["results"][name])]
    columns = 3
    figure, axes = pyplot.subplots(-(-len(shown) // columns), columns, figsize=(15, 2.3 * -(-len(shown) // columns)), squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, shown, strict=False):
        tools = kept["results"][name]
        best = best_peer(tools)
        measured = {tool: middle(tools[tool], "seconds") for tool in LABELS if tool in tools}
        bars = {LABELS[tool]: (time / best, tool) for tool, time in measured.items() if time is not None}
        colors = ["#c2452d" if tool in OWN else "#8a9bb0" for _, tool in bars.values()]
        drawn = axis.barh(list(bars), [ratio for ratio, _ in bars.values()], color=colors, height=0.7)
        # A peer that takes many times as long would make the other bars too short to read.
        longest = 4.0
        axis.set_xlim(0, min(longest, 1.25 * max(ratio for ratio, _ in bars.values())))
        labels = [f"{ratio:.2f}" for ratio, _ in bars.values()]
        for bar, label in zip(drawn, labels, strict=True):
            axis.text(min(bar.get_width(), 0.88 * axis.get_xlim()[1]) + 0.02, bar.get_y() + 0.35, label, va="center", fontsize=8)
        axis.axvline(0.9, color="#444444", linewidth=0.8, linestyle=":")
        axis.invert_yaxis()
        axis.set_title(kept["cases"][name], fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.suptitle("Wall time, divided by that of the fastest peer (dotted: the goal, 0.90)", fontsize=11, x=0.01, ha="left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def write(kept: dict, out: Path | None) -> None:
    text = markdown(kept)
    print("\n" + text)
    if out is not None:
        out.with_name(out.name + ".json").write_text(json.dumps(kept, indent=1) + "\n")
        out.with_name(out.name + ".md").write_text(text)
        plot(kept, out.with_name(out.name + ".svg"))
