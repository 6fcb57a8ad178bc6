"""The picture: how many times faster fastloss is than each peer, and how far it is from the memory floor."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

# Distinct in hue, lightness and shape, so that the picture survives a bad printer and colour blindness.
STYLES = {
    "fastloss.apart": ("#000000", "X"),
    "numpy": ("#0072B2", "o"),
    "torch": ("#D55E00", "s"),
    "torch.chunked": ("#F0E442", "p"),
    "torch.compile": ("#E69F00", "D"),
    "jax": ("#009E73", "^"),
    "scipy": ("#56B4E9", "<"),
    "sklearn": ("#CC79A7", "v"),
}
OTHER = ("#444444", "P")
AIM = 3.0


def _chosen(rows: list[dict]) -> list[dict]:
    """The rows of one kind: value and gradient if measured, into a given array if measured."""
    mode = next(mode for mode in ("both", "grad", "value") if any(row["mode"] == mode for row in rows))
    output = "fresh" if mode == "value" else "out"
    return [row for row in rows if row["mode"] == mode and row["output"] == output]


def _panel(axes: plt.Axes, rows: list[dict]) -> None:
    for place, row in enumerate(rows):
        axes.axhspan(place - 0.5, place + 0.5, color="#f3f3f3" if place % 2 else "white", zorder=0)
        for name, peer in row["peers"].items():
            colour, marker = STYLES.get(name, OTHER)
            fastest = name == row["fastest_peer"]
            axes.plot(
                peer["ratio"],
                place,
                marker,
                color=colour,
                markersize=9 if fastest else 7,
                markeredgecolor="black" if fastest else colour,
                label=name,
                zorder=3,
            )
        if row["floor"] is not None:
            axes.plot(
                1 / row["floor"]["ratio"],
                place,
                "|",
                color="black",
                markersize=18,
                markeredgewidth=2.5,
                label="memory floor",
            )
    axes.axvline(1, color="black", linewidth=1)
    axes.axvline(AIM, color="black", linewidth=1, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda x, _: ""))
    axes.set_yticks(range(len(rows)), [row["loss"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color="#dddddd", zorder=1)


def save(result: dict, path: Path) -> None:
    """Draw a panel for each number of threads and size; those of the same losses stand beside each other."""
    rows = _chosen(result["rows"])
    panels: dict[tuple, list[dict]] = {}
    for row in rows:
        panels.setdefault((row["threads"], row["extent"]), []).append(row)
    bands: dict[tuple, list[list[dict]]] = {}
    for (threads, _), panel in panels.items():
        bands.setdefault((threads, tuple(row["loss"] for row in panel)), []).append(panel)
    columns = max(map(len, bands.values()))
    heights = [1.0 + 0.42 * len(losses) for _, losses in bands]
    figure, grid = plt.subplots(
        len(bands),
        columns,
        squeeze=False,
        sharey="row",
        figsize=(2.6 + 4.2 * columns, 1.6 + sum(heights)),
        height_ratios=heights,
        layout="constrained",
    )
    handles: dict[str, object] = {}
    for line, band in zip(grid, bands.values(), strict=True):
        for axes in line[len(band) :]:
            axes.set_visible(False)
        for axes, panel in zip(line, band, strict=False):
            _panel(axes, panel)
            first = panel[0]
            threads = f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}"
            axes.set_title(f"{first['extent']}, {threads}", fontsize=10)
            axes.set_xlabel("time / time of fastloss")
            handles |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    first = rows[0]
    what = {"both": "value and gradient", "grad": "gradient", "value": "value"}[first["mode"]]
    into = ", gradient into a given array" if first["output"] == "out" else ""
    figure.suptitle(
        f"{what}{into}, {first['dtype']}, fastloss on {first['isa']}\n"
        "right of 1: slower than fastloss; dotted: 3 times slower; outlined: fastest peer",
        fontsize=11,
    )
    entries = min(len(handles), 1 + 3 * columns)  # side by side
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=entries, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
