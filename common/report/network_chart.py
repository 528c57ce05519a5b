"""A network as rows of boxes from its inputs to the classes, drawn from `FoldResult.blocks`."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common.training.blocks import SIDE_BY_SIDE, Block
from common.vision.picture_grid import INK

Row = list[Block]

COLOURS = {
    "input": "#ffffff",
    "convolution": "#56b4e9",
    "pooling": "#f0e442",
    "recurrent": "#cc79a7",
    "dense": "#e69f00",
    "other": "#bbbbbb",
}
"""By Okabe and Ito, one for each kind of layer; the labels below the boxes say the same."""
SIZE, LINE = 6.0, 7.0
"""Points: the size of letters, and from one line to the next."""
LETTER = 0.52 * SIZE
"""Points: the width of a letter, a little more than the mean."""
FLATTEST, TALLEST = 4.0, 44.0
"""Points: the heights of the box of one value and of the largest map."""
WIDE, WIDEST = 0.56, 40.0
"""Width of a box as a fraction of the distance between two, and at most in points."""
TIMES = "\u00d7"
CLASSES = 8
"""The largest number of classes that are named."""


def rows(blocks: Sequence[Block]) -> int:
    """The number of rows in the figure of these blocks; each needs about 0.8 inches."""
    return sum(len(branches) for branches, _ in _stages(blocks))


def figure(blocks: Sequence[Block], classes: Sequence[str], width_inches: float, height_inches: float) -> Figure:
    """Draw the networks of `blocks` below each other, with the classes behind the last; drawn in `STYLE`.

    Heights follow the logarithm of the number of places of a map, colours the kind of layer. Equal branches are one row
    with their number at the left; others join where the network joins them. Raises ValueError without blocks.
    """
    if not blocks:
        raise ValueError("there are no blocks to draw")
    page = Figure(figsize=(width_inches, height_inches))
    width, height = 72 * width_inches, 72 * height_inches
    axes = page.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    stages, band = _stages(blocks), height / rows(blocks)
    named = list(classes) if len(classes) <= CLASSES else [f"{len(classes)} classes"]
    parallel = any(block.parallel > 1 for block in blocks)
    left, right = 4 * LETTER * parallel + 2, LETTER * max(map(len, named)) + 4
    pitch = (width - left - right) / max(max(map(len, branches)) + len(trunk) for branches, trunk in stages)
    half = min(pitch * WIDE, WIDEST) / 2
    text = LINE * max(len(_lines(block, pitch)) for block in blocks)
    title = LINE * 1.3 if len(stages) > 1 else 0.0
    tallest = max(min(TALLEST, band - title - text - 5), FLATTEST)
    largest = max(map(_places, blocks))

    def chain(row: Row, x: float, y: float) -> float:
        """Draw blocks from x on, arrows between them; returns the right edge of the last."""
        for place, block in enumerate(row):
            middle = x + pitch * (place + 0.5)
            tall = FLATTEST + _places(block) / max(largest, 1) * (tallest - FLATTEST)
            face, corner = COLOURS[block.kind], (middle - half, y - tall / 2)
            axes.add_patch(Rectangle(corner, 2 * half, tall, facecolor=face, edgecolor=INK, linewidth=0.5))
            if place:
                _arrow(axes, [(middle - pitch + half, y), (middle - half, y)])
            for number, line in enumerate(_lines(block, pitch)):
                below = y - tallest / 2 - 2 - LINE * number
                axes.text(middle, below, line, fontsize=SIZE, ha="center", va="top", color=INK)
        return x + pitch * (len(row) - 0.5) + half

    top = height
    for branches, trunk in stages:
        levels = [top - title - 1 - tallest / 2 - band * row for row in range(len(branches))]
        y, joint = sum(levels) / len(levels), left + pitch * max(map(len, branches))
        if title:
            stage = branches[0][0].stage.replace("_", " ")
            axes.text(2, top - 1, stage, fontsize=SIZE + 0.5, style="italic", va="top", color=INK)
        for branch, level in zip(branches, levels, strict=True):
            end = chain(branch, left, level)
            if branch[0].parallel > 1:
                axes.text(left - 2, level, f"{branch[0].parallel} {TIMES}", fontsize=SIZE + 1, ha="right", va="center")
            if trunk:
                _arrow(axes, [(end, level), (joint, level), (joint, y), (joint + pitch / 2 - half, y)])
        end = chain(trunk, joint, y) if trunk else end
        top -= band * len(branches)
    behind = end + pitch / 2 - half
    _arrow(axes, [(end, y), (behind, y)])
    for number, name in enumerate(named):
        place = y + LINE * ((len(named) - 1) / 2 - number)
        axes.text(behind + 2, place, name, fontsize=SIZE, va="center", color=INK)
    return page


def _stages(blocks: Sequence[Block]) -> list[tuple[list[Row], Row]]:
    """By stage: the rows that start with an input, and the blocks behind all of them."""
    stages = []
    for _, of_stage in groupby(blocks, lambda block: block.stage):
        rows = [list(row) for _, row in groupby(of_stage, lambda block: (block.branch, block.parallel))]
        branches = [row for row in rows if row[0].kind == "input"]
        stages.append((branches, [block for row in rows if row not in branches for block in row]))
    return stages


def _places(block: Block) -> float:
    """The logarithm of the number of places of a block's map; an open length counts as 1."""
    return sum(math.log2(max(length, 1)) for length in block.shape[:-1])


def _lines(block: Block, pitch: float) -> list[str]:
    """What stands below a block: its label and the shape of what it gives, at most as wide as the pitch."""
    letters = max(int((pitch - 2) / LETTER), 4)
    label = block.label
    if block.kind == "input" and (names := label.count(",") + 1) > 2:
        label = f"{names} inputs"
    number = f"{block.count} {TIMES} " if block.count > 1 and block.kind != "input" else ""
    if label.startswith(SIDE_BY_SIDE):
        number = f"{block.count} "
    *places, channels = map(str, block.shape)
    size = ("\u2264 " if block.varies else "") + f" {TIMES}".join(filter(None, (TIMES.join(places), channels)))
    text = re.sub(r"(?<=\d)x(?=\d)", TIMES, f"{number}{label}")
    sizes = [line.replace(f" {TIMES}", TIMES) for line in textwrap.wrap(size, letters)]
    return [*textwrap.wrap(text, letters), *sizes]


def _arrow(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """A line through points, with a head at the last."""
    axes.plot(*zip(*points[:-1], strict=True), color=INK, linewidth=0.6)
    head = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "linewidth": 0.6, "mutation_scale": 5, "color": INK}
    axes.annotate("", points[-1], points[-2], arrowprops=head)
