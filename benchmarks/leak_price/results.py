"""The stored numbers of published protocols and their leak-free twins, with their table and figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.files import write_json
from common.report import leak_price
from common.report.formatting import DASH, interval, number
from common.report.records import Price, SeedScores

FILE = Path(__file__).with_name("results.json")
HEAD = ("Experiment", "Protocol; selection", "Seeds", "Difference", "Difference without motion")


def write(path: Path, about: Mapping[str, str], prices: Sequence[Price]) -> None:
    """Write the numbers with `about`, the facts on how they were measured."""
    write_json(path, {**about, "prices": [asdict(price) for price in prices]})


def read(path: Path) -> dict[str, Any]:
    """The stored record, its prices as `Price`."""
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stored | {"prices": [_price(record) for record in stored["prices"]]}


def _price(record: Mapping[str, Any]) -> Price:
    scores = {
        kind: SeedScores(**{name: tuple(by_seed) for name, by_seed in record[kind].items()})
        for kind in ("clips", "still")
    }
    return Price(**{**record, **scores})


def table(prices: Sequence[Price]) -> str:
    """A Markdown table: one line per experiment, with mean differences and their intervals."""
    lines = [
        HEAD,
        ("---",) * len(HEAD),
        *(
            (
                f"`{p.paper}` `{p.experiment}/{p.published}`",
                f"{p.protocol}; {p.selection}",
                ", ".join(map(str, p.clips.seeds)),
                _shown(p.clips),
                _shown(p.still),
            )
            for p in prices
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _shown(scores: SeedScores) -> str:
    differences = scores.differences
    if not differences:
        return DASH
    mean = sum(differences) / len(differences)
    value = f"{'+' if mean > 0 else ''}{number(mean, 2)}"
    bounds = leak_price.interval(differences)
    return f"{value} ({interval(*bounds, 2)})" if bounds else value


def apart(prices: Sequence[Price]) -> tuple[int, int]:
    """How many intervals there are, and how many of them do not contain 0."""
    found = [b for p in prices for s in (p.clips, p.still) if (b := leak_price.interval(s.differences))]
    return len(found), sum(low > 0 or high < 0 for low, high in found)


def draw(prices: Sequence[Price], path: Path) -> None:
    """Draw the figure of the comparison report as SVG, with letters as outlines."""
    import matplotlib

    from common.report import charts, leak_charts

    with matplotlib.rc_context({**charts.STYLE, "svg.fonttype": "path", "svg.hashsalt": "leak price"}):
        (figure, _), *_ = leak_charts.figures(prices)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(charts.svg(figure))
