"""Which recipe for images of optical flow keeps what a linear classifier needs?

python -m benchmarks.flow_recipes --maps DIR

Stand-ins of all 442 clips of the MEGC 2019 composite move as their public flow maps show. Each recipe makes an image of
each clip, between the same two faces; a ridge classifier on the pixels is tested on one left-out subject at a time. The
public maps themselves are classified in the same way. Takes some ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mer
from benchmarks.options import parsed
from benchmarks.real_motion.results import scored
from common.errors import WRONG, UserError
from common.files import write_json
from common.standin import REVISION, real_motion
from common.types import Arrays, ClipFrames
from common.vision import flow_recipes
from common.vision.faces import FaceFinder

FILE = Path(__file__).with_suffix(".json")
DASH = "\N{EN DASH}"
PUBLIC = "the public maps themselves"
METHOD = "lbp-divide-and-conquer"


def images(clip: ClipFrames, faces: FaceFinder) -> Arrays:
    """The image of a clip by each recipe, and the seconds of each, in the order of the recipes."""
    onset, peak, _ = flow_recipes.pair(clip, METHOD, faces)
    made, seconds = {}, []
    for name, recipe in flow_recipes.RECIPES.items():
        start = time.perf_counter()
        made[name] = flow_recipes.image(recipe, onset, peak)
        seconds.append(time.perf_counter() - start)
    return {**made, "seconds": np.array(seconds)}


def answers(x: NDArray[Any], y: NDArray[np.int64], subjects: Sequence[str]) -> NDArray[np.int64]:
    """The class of each row (n, ...) by a ridge classifier of other subjects' rows, as in `common.standin.proof`."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=30.0, class_weight="balanced"))
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.asarray(cross_val_predict(model, flat, y, groups=np.array(subjects), cv=LeaveOneGroupOut()), np.int64)


def likeness(images: NDArray[np.uint8], public: NDArray[np.uint8], channels: Sequence[str]) -> dict[str, float]:
    """The median correlation of the channels of images (n, 28, 28, 3) with those of the public maps of their clips."""
    order = ("strain", "down", "right")
    found = {}
    for name in (name for name in channels if name in order):
        made, known = images[..., channels.index(name)], public[..., order.index(name)]
        both = zip(made.astype(np.float32), known.astype(np.float32), strict=True)
        found[name] = round(float(np.median([real_motion.correlation(own, other) for own, other in both])), 3)
    return found


def measured(maps: Path | None, cache: Path, stand_ins: tuple[int | None, int | None]) -> dict[str, Any]:
    """The answers and scores of every recipe, and of the public maps of the same clips, if `maps` names them."""
    real = real_motion.read(maps) if maps else None
    made = mer.prepare(mer.load(real_motion=maps, stand_ins=stand_ins, cache=cache), images)
    clips = made.clips
    public = np.stack([real.maps[real_motion.key_of(clip)] for clip in clips]) if real else None
    inputs = {**{name: made[name] for name in flow_recipes.RECIPES}, **({} if public is None else {PUBLIC: public})}
    truth = dict(zip(clips.ids, clips.y.tolist(), strict=True))
    seconds = np.median(made["seconds"], axis=0)
    rows = []
    for (name, x), taken in zip(inputs.items(), [*seconds, None], strict=False):
        given = answers(x, clips.y, [clip.subject_id for clip in clips])
        digits = dict(zip(clips.ids, map(str, given), strict=True))
        told = "".join(digits[clip] for clip in sorted(truth))
        row: dict[str, Any] = {"recipe": name, **scored(truth, [told]), "answers": told}
        if taken is not None:
            channels = flow_recipes.RECIPES[name].channels
            row["like_public"] = {} if public is None else likeness(x, public, channels)
            row["seconds"] = round(float(taken), 4)
        rows.append(row)
    return {"standin": REVISION, "maps": real.digest if real else None, "clips": truth, "rows": rows}


def table(results: Mapping[str, Any]) -> str:
    """The scores as a Markdown table."""
    lines = [
        "| recipe | flow | blue, green, red | UF1 | UAR | right, down, strain like the public map | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in results["rows"]:
        score = f"{row['uf1']:.2f} ({row['low']:.2f} to {row['high']:.2f}) | {row['uar']:.2f}"
        if (recipe := flow_recipes.RECIPES.get(row["recipe"])) is None:
            lines.append(f"| {row['recipe']} | {DASH} | strain, down, right | {score} | {DASH} | {DASH} |")
            continue
        shown = ", ".join(recipe.channels) or "direction and length as a colour"
        known = [row["like_public"].get(name) for name in ("right", "down", "strain")]
        like = ", ".join(DASH if value is None else f"{value:.2f}" for value in known)
        lines.append(f"| `{recipe.name}` | {recipe.method} | {shown} | {score} | {like} | {row['seconds']:.1g} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all recipes, write the results, and print the table; with --show only print what is stored."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.flow_recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--maps", type=Path, metavar="DIR", help="folder with the public flow maps")
    parser.add_argument("--results", type=Path, default=FILE, help="the file that is written")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--show", action="store_true", help="measure nothing, only print the stored table")
    options = parsed(parser, arguments)
    if options.show:
        print(table(json.loads(options.results.read_text(encoding="utf-8"))))
        return 0
    if not (options.maps or options.short):
        parser.error("name the folder with the public flow maps: --maps DIR")
    try:
        results = measured(options.maps, options.cache, (2, 3) if options.short else (None, None))
    except UserError as error:
        print(error, file=sys.stderr)
        return WRONG
    if not options.short:  # the stored results are for all clips
        write_json(options.results, results)
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
