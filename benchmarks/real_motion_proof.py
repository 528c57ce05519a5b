"""Do faces with real motion show that motion? The flow of rendered clips against the public maps that moved them.

python -m benchmarks.real_motion_proof --maps /path/to/HTNet

All clips of the maps are written as stand-ins at their true size. From the files alone, the flow from onset to apex is
computed again, of faces that dlib finds and aligns as in the maps; SMIC has no annotated apex, and its middle frame is
used. Three things are measured, and none of them was tuned on the classes:

- the correlation of each channel of a clip (strain, vertical, horizontal) with its map, by corpus;
- UF1 with one subject left out, of a linear classifier (standardised logistic regression, C 1e-4) that is trained and
  tested on the maps, and of one that is trained and tested on the flow of the rendered clips;
- UF1 of the networks that the authors of STSTNet trained on the maps, if they lie below the folder too, on both.

Written to benchmarks/real_motion_proof.json with --store. With --short, a few maps are made up.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.options import parsed
from common import standin
from common.corpora import flow_maps
from common.corpora.flow_maps import SIZE
from common.standin import real_motion
from common.standin.proof import usable
from common.standin.real_motion import EYE_DISTANCE, EYES, correlation
from common.types import Clip
from common.vision import images
from common.vision.faces import FaceFinder
from common.vision.flow import flow, strain

FILE = Path(__file__).with_suffix(".json")
SCALE = 9
"""Pixels of an aligned face per sample of a map."""
CHANNELS = ("strain", "vertical", "horizontal")
Array = NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and store what was measured if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, help="a folder with the public flow maps")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the stand-ins")
    parser.add_argument("--store", action="store_true", help=f"write {FILE.name}")
    chosen = parsed(parser, arguments)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.short and not chosen.maps:
            chosen.maps = made_up(Path(folder))
        if not chosen.maps:
            parser.error("--maps: name a folder with the public flow maps")
        measured = measure(chosen.maps, chosen.cache)
    print(json.dumps(measured, indent=1))
    if chosen.store:
        FILE.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(maps: Path, cache: Path) -> dict[str, Any]:
    """What the module's docstring says; `correlations` are medians over clips, "all" corpora and each."""
    real = real_motion.read(maps)
    present = [name for name in real_motion.CORPORA if real.known(name)]
    data = standin.ensure(cache, corpora=present, subjects=None, clips=None, real=real)
    finder = FaceFinder()
    known = usable(data)
    rendered = np.stack([again(clip, finder) for clip, _ in known])
    published = np.stack([real.maps[real_motion.key_of(clip)] for clip, _ in known]).astype(np.float32)
    alike = np.array(
        [[correlation(a[..., c], b[..., c]) for c in range(3)] for a, b in zip(rendered, published, strict=True)]
    )
    corpora = np.array([clip.corpus for clip, _ in known])
    classes, subjects = np.array([kind for _, kind in known]), [clip.subject_id for clip, _ in known]
    uf1 = {
        "linear classifier": {
            "maps": loso(published, classes, subjects),
            "rendered": loso(stretched(rendered), classes, subjects),
        }
    }
    if folder := flow_maps.networks(maps):
        uf1["published networks"] = {
            "maps": trained_by_others(folder, published, classes, subjects),
            "rendered": trained_by_others(folder, stretched(rendered), classes, subjects),
        }
    rows = {"all": corpora != ""} | {name: corpora == name for name in present}
    return {
        "standin": standin.REVISION,
        "maps": real.digest,
        "clips": len(known),
        "subjects": len(set(subjects)),
        "correlations": {
            name: dict(zip(CHANNELS, np.median(alike[own], axis=0).round(3).tolist(), strict=True))
            for name, own in rows.items()
        },
        "uf1": uf1,
    }


def again(clip: Clip, finder: FaceFinder) -> Array:
    """The flow of a clip from onset to apex, as in a map: (28, 28, 3) strain, down, right; in pixels."""
    apex = clip.numbers.index(clip.apex) if clip.apex is not None else len(clip.frames) // 2
    pair = [images.read(clip.frames[place]) for place in (0, apex)]
    points = finder.find(pair[0], clip.id).points
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    across = (right - left) / np.sum((right - left) ** 2) * EYE_DISTANCE * SCALE
    turn = np.array([across, (-across[1], across[0])])
    eyes = (np.array(EYES) + 0.5) * SCALE - 0.5
    move = np.c_[turn, eyes - turn @ ((left + right) / 2)]
    side = (SIZE * SCALE, SIZE * SCALE)
    first, last = (
        np.asarray(cv2.warpAffine(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), move, side), np.uint8) for picture in pair
    )
    moved = flow(first, last)
    full = np.dstack([strain(moved), moved[..., 1], moved[..., 0]])
    return np.asarray(cv2.resize(full, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.float32)


def stretched(channels: Array) -> Array:
    """Channels (n, 28, 28, 3), each stretched to 0..255 by itself, as in the maps."""
    low, high = channels.min((1, 2), keepdims=True), channels.max((1, 2), keepdims=True)
    return np.asarray((channels - low) / np.maximum(high - low, 1e-9) * 255, np.float32)


def loso(features: Array, classes: NDArray[np.int64], subjects: Sequence[str]) -> float:
    """UF1 of the linear classifier, whose predictions for all left-out subjects are pooled."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-4, max_iter=2000))
    flat = features.reshape(len(features), -1)
    predicted = cross_val_predict(model, flat, classes, groups=np.array(subjects), cv=LeaveOneGroupOut())
    return round(float(f1_score(classes, predicted, average="macro")), 4)


def trained_by_others(folder: Path, maps: Array, classes: NDArray[np.int64], subjects: Sequence[str]) -> float:
    """UF1 of the published networks, each of which answers the subject that it was trained without."""
    from sklearn.metrics import f1_score

    from common.training.weights import chosen
    from papers.liong2019 import model

    weights, network = chosen(str(folder)), model.ststnet((SIZE, SIZE, 3), len(set(classes)), "two")
    answers = np.zeros_like(classes)
    for subject in dict.fromkeys(subjects):
        for name, arrays in model.published(weights, subject).items():
            network.get_layer(name).set_weights(arrays)
        own = np.array(subjects) == subject
        probabilities = network.predict_on_batch({"flow": maps[own][..., ::-1]})["emotion"]
        answers[own] = np.asarray(probabilities).argmax(axis=1)
    return round(float(f1_score(classes, answers, average="macro")), 4)


def made_up(root: Path) -> Path:
    """A folder with three maps of nobody: a smooth motion each."""
    rng = np.random.default_rng(0)
    for subject, kind, emotion in (("s01", 0, "ne"), ("s02", 1, "po"), ("s03", 2, "sur")):
        small = rng.normal(size=(5, 5, 2)).astype(np.float32)
        moved = np.asarray(cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.float32)
        pixels = stretched(np.dstack([strain(moved), moved[..., 1], moved[..., 0]])[None])[0]
        path = root / subject / "u_test" / str(kind) / f"{subject}_{subject}_{emotion}_01 .png"
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(cv2.imencode(".png", pixels.astype(np.uint8))[1]))
    return root


if __name__ == "__main__":
    sys.exit(main())
