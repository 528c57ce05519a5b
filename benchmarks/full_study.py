"""What does a full study cost? A fold of each network at its paper's own settings, as far as a quarter of an hour goes.

python -m benchmarks.full_study

On stand-ins as large as the real corpora. Each network's first fold is trained for one epoch and for two, which tells
what an epoch takes, and then for as many epochs as fit into `--minutes`, or all that the paper has. From these follow
the hours of the whole fold. Networks that start from trained weights start from random ones, which costs the same.

Each network is stored as it is done; run it again and it resumes. Preparing the clips is not part of the minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import parsed
from benchmarks.prepared import SEED, Bench, of_paper, quiet
from common.cache import Cache
from common.environment import forget_peak_memory, peak_memory_mib, processor
from common.files import write_json
from common.pool import Pool
from common.progress import Display
from common.protocols import split
from common.report.tables import DASH, duration
from common.seeds import seed_of
from common.types import Answers, Profile, Samples, Workbench
from common.weights import NONE, Weights

FILE = Path(__file__).with_suffix(".json")
EPOCHS = ("epochs", "cnn_epochs", "lstm_epochs")
"""Settings that count epochs of training, as the papers' settings name them."""


@dataclass(frozen=True)
class Case:
    """A network by the name that it has on common ground, and an experiment whose first fold it is trained on."""

    network: str
    paper: str
    experiment: str


CASES = (
    Case("Region CNNs, LSTMs", "aouayeb2019", "composite-loso/cnn-in-fold"),
    Case("STCNN", "reddy2019", "stcnn-smic/loso"),
    Case("FuseNet intermediate", "reddy2019", "intermediate-smic/loso"),
    Case("FuseNet late", "reddy2019", "late-smic/loso"),
    Case("Model-A", "talluri2022", "model-a-scenario-1/loso"),
    Case("Split-Model", "talluri2022", "split-model-composite/loso"),
    Case("Model-B", "talluri2022", "model-b-scenario-1/loso"),
    Case("Model-C", "talluri2022", "model-c-scenario-1/loso"),
    Case("Avatar ResNet34", "kumar2019", "composite-loso/published"),
    Case("VGG19", "le2020", "vgg19-smic/loso"),
    Case("ResNet50", "le2020", "resnet50-smic/loso"),
    Case("SENet50", "le2020", "senet50-smic/loso"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the networks that are not stored yet, one by one; prints the table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.full_study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [case.network for case in CASES]
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="NAME", help="these networks alone")
    parser.add_argument("--minutes", type=float, default=15.0, help="of training at most, for each network")
    parser.add_argument("--results", type=Path, default=FILE, help="the file that is read and written")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--workers", type=int, default=2, help="processes that prepare clips")
    options = parsed(parser, arguments, only=["FuseNet late"], minutes=0.0, workers=1)
    if not options.short:
        return _run(options, _whole)
    with tempfile.TemporaryDirectory() as folder:  # what is stored is of other sizes
        options.results = Path(folder) / "results.json"
        return _run(options, lambda full: replace(_whole(full), subjects=2, clips=3))


def _whole(full: Profile) -> Profile:
    """The profile `paper`, without weights that would have to be downloaded."""
    if not hasattr(full.settings, "weights"):
        return full
    return replace(full, settings=replace(full.settings, weights=Weights(NONE)))


def _run(options: argparse.Namespace, profile: Any) -> int:
    found: dict[str, Any] = {}
    if options.results.is_file():
        found = json.loads(options.results.read_text(encoding="utf-8"))
    with Pool(options.workers) as pool, Display() as display:
        for case in CASES:
            if case.network not in options.only or case.network in found:
                continue
            bench = of_paper(case.paper, case.experiment, Cache(options.cache.absolute()), profile)
            display.line(f"{case.network}: preparing clips")
            seconds = bench.make_ready(pool)
            display.line(f"{case.network}: training")
            record = measured(bench, 60 * options.minutes)
            record["preparing_seconds_per_clip"] = round(seconds / record["clips"], 4) if seconds else None
            found[case.network] = {"paper": case.paper, "experiment": case.experiment, **record}
            write_json(options.results, {one.network: found[one.network] for one in CASES if one.network in found})
    print(table(found))
    return 0


def measured(bench: Bench, most: float) -> dict[str, Any]:
    """Time and memory of the first fold, trained for `most` seconds or to its end, as plain data.

    `epochs` has, for each setting that counts epochs, those of the paper, those trained and the seconds of one;
    `first_seconds` are those of building, tracing and one epoch of each.
    """
    job, samples = bench.job_and_samples()
    fold = split(bench.experiment, samples.subject, samples.clip, samples.y, SEED)[0]
    train, test = samples.only(fold.train), samples.only(fold.test)
    full = bench.profile.settings
    counted = {name: getattr(full, name) for name in EPOCHS if hasattr(full, name)}
    once = dict.fromkeys(counted, 1)
    forget_peak_memory()
    first, _ = _trained(bench, once, train, test)
    each = {name: max(_trained(bench, once | {name: 2}, train, test)[0] - first, 0.0) for name in counted}
    rest = sum((counted[name] - 1) * each[name] for name in counted)
    share = min(1.0, max(most - first, 0.0) / rest) if rest else 1.0
    epochs = {name: max(int(share * count), 1) for name, count in counted.items()}
    seconds, found = _trained(bench, epochs, train, test)
    expected = sum((epochs[name] - 1) * each[name] for name in epochs)
    scale = max(seconds - first, 0.0) / expected if expected else 1.0  # a long run tells more than two short ones
    return {
        "fold": fold.name,
        "clips": len(job.clips),
        "training_clips": len(set(train.clip.tolist())),
        "training_rows": len(train.y),
        "first_seconds": round(first, 2),
        "epochs": {
            name: {"paper": counted[name], "trained": epochs[name], "seconds": round(scale * each[name], 3)}
            for name in counted
        },
        "seconds": round(seconds, 1),
        **found,
        "peak_memory_mib": round(peak_memory_mib()),
        "processor": processor(),
    }


def _trained(bench: Bench, epochs: Mapping[str, int], train: Samples, test: Samples) -> tuple[float, dict[str, Any]]:
    """Seconds of building and training with so many epochs; curves, and the shares of clips answered rightly."""
    recipe = bench.parts().recipe()
    start = time.perf_counter()
    networks = recipe.Networks(bench.experiment, replace(bench.profile.settings, **epochs), SEED)
    with tempfile.TemporaryDirectory() as folder:
        shop = Workbench("first", seed_of("full study", SEED), quiet, Path(folder), None)
        trained = recipe.train(networks, bench.experiment, train, shop)
        seconds = time.perf_counter() - start
        right = {
            "training_accuracy": _accuracy(trained.predict(train), train),
            "held_out_accuracy": _accuracy(trained.predict(test), test),
        }
    curves = {
        f"{stage}: {name}": [float(f"{value:.4g}") for value in values]
        for stage, history in trained.history.items()
        for name, values in history.items()
    }
    return seconds, {**right, "history": curves}


def _accuracy(answers: Answers, samples: Samples) -> float:
    classes = dict(zip(samples.clip.tolist(), samples.y.tolist(), strict=True))
    return round(float(np.mean([answer.argmax() == classes[clip] for clip, answer in answers.items()])), 4)


def fold_seconds(record: Mapping[str, Any]) -> float:
    """What the whole fold takes, from what was trained of it."""
    return record["first_seconds"] + sum((one["paper"] - 1) * one["seconds"] for one in record["epochs"].values())


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table, one line per network."""
    head = ["Network", "Experiment", "Clips", "Epochs trained", "Seconds an epoch", "One fold", "Peak memory", "Clip"]
    lines = [head, ["---"] * len(head)]
    for case in CASES:
        one = found.get(case.network)
        cells = [DASH] * 6
        if one:
            epochs = one["epochs"].values()
            prepared = one["preparing_seconds_per_clip"]
            cells = [
                f"{one['training_clips']}",
                " + ".join(f"{part['trained']} of {part['paper']}" for part in epochs),
                " + ".join(f"{part['seconds']:.3g}" for part in epochs),
                duration(fold_seconds(one)),
                f"{one['peak_memory_mib'] / 1024:.1f} GiB",
                f"{prepared:.2g} s" if prepared else DASH,
            ]
        lines.append([case.network, f"`{case.paper} {case.experiment}`", *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
