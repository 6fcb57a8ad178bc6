"""Draws the chart of the README from the tables of speed.md: ``python docs/speed_chart.py`` writes docs/speed.svg."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PEERS = ("NumPy", "PyTorch", "torch.compile", "JAX", "scikit-learn")
# Rows of the tables, and what the chart calls them.
SHOWN = {
    "`mse_loss`": "mse_loss",
    "`huber_loss`": "huber_loss",
    "`binary_cross_entropy_with_logits`": "binary_cross_entropy_with_logits",
    "`sigmoid_focal_loss`": "sigmoid_focal_loss",
    "`gaussian_nll_loss`": "gaussian_nll_loss",
    "8192 x 1000": "cross_entropy, 8192 x 1000",
}
TITLE = "Time of the fastest peer in multiples of that of fastloss (value and gradient, float32)"

LEFT, UNIT, LINE, TOP = 260, 55, 24, 34  # pixels: where bars begin, of a factor of one, of a row, of the title
STYLE = """text { font: 13px sans-serif; fill: #1f2328; } .peer { fill: #59636e; } rect { fill: #2f6fbf; }
  line { stroke: #59636e; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .peer { fill: #9198a1; } rect { fill: #5b9bea; } }"""


def fastest_peers(page: str) -> dict[str, tuple[float, str]]:
    """From the first cell of each row to the time of the fastest peer, in times of fastloss, and the peer."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for peer, cell in zip(PEERS, cells[-len(PEERS) :], strict=False):
            if number := re.fullmatch(r"\*\*([\d.]+)\*\*", cell):
                found[cells[0]] = float(number[1]), peer
    return found


def draw(page: str) -> str:
    """The chart of a page of tables, as SVG."""
    factors = fastest_peers(page)
    bars = []
    for i, (row, label) in enumerate(SHOWN.items()):
        factor, peer = factors[row]
        y = TOP + i * LINE
        bars.append(
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{label}</text>'
            f'<rect x="{LEFT}" y="{y + 2}" width="{factor * UNIT:.0f}" height="16"/>'
            f'<text x="{LEFT + factor * UNIT + 8:.0f}" y="{y + 14}">{factor} <tspan class="peer">{peer}</tspan></text>'
        )
    end = TOP + len(SHOWN) * LINE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{end + 22}" viewBox="0 0 760 {end + 22}">',
        f"<style>{STYLE}</style>",
        f'<text x="4" y="18">{TITLE}</text>',
        *bars,
        f'<line x1="{LEFT + UNIT}" y1="{TOP - 4}" x2="{LEFT + UNIT}" y2="{end}"/>',
        f'<text x="{LEFT + UNIT}" y="{end + 15}" text-anchor="middle" class="peer">1: fastloss</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (FOLDER / "speed.svg").write_text(draw((FOLDER / "speed.md").read_text(encoding="utf-8")), encoding="utf-8")
