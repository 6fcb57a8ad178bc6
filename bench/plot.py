"""The picture: how many times faster fastloss is than each peer, and how far it is from the memory floor."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

from bench.report import number, unit

# Distinct in hue, lightness and shape, so that the picture survives a bad printer and colour blindness.
STYLES = {
    "numpy": ("#0072B2", "o"),
    "torch": ("#D55E00", "s"),
    "torch.compile": ("#E69F00", "D"),
    "jax": ("#009E73", "^"),
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
    """Draw a panel for each number of threads and size."""
    rows = _chosen(result["rows"])
    threads = list(dict.fromkeys(row["threads"] for row in rows))
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    losses = len({row["loss"] for row in rows})
    figure, grid = plt.subplots(
        len(threads),
        len(sizes),
        squeeze=False,
        sharey=True,
        figsize=(2.6 + 4.2 * len(sizes), 1.6 + len(threads) * (1.0 + 0.42 * losses)),
        layout="constrained",
    )
    handles: dict[str, object] = {}
    for i, team in enumerate(threads):
        for j, size in enumerate(sizes):
            axes = grid[i][j]
            _panel(axes, [row for row in rows if row["threads"] == team and row["size"] == size])
            axes.set_title(f"{number(size)}{unit(size)}, {team} thread{'s' if team > 1 else ''}", fontsize=10)
            handles |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    for axes in grid[-1]:
        axes.set_xlabel("time / time of fastloss")
    first = rows[0]
    what = {"both": "value and gradient", "grad": "gradient", "value": "value"}[first["mode"]]
    into = ", gradient into a given array" if first["output"] == "out" else ""
    figure.suptitle(
        f"{what}{into}, {first['dtype']}, fastloss on {first['isa']}\n"
        "right of 1: slower than fastloss; dotted: 3 times slower; outlined: fastest peer",
        fontsize=11,
    )
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
