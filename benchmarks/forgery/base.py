"""A bundle to forge: made here, from no run, with the published numbers of clips and subjects.

Its predictions are random numbers that favour the true class. It is marked as licensed data, because only then must all
published clips be there; it never leaves the drills.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

import papers
from common.bundles import released
from common.bundles.archive import Contents
from common.bundles.build import public, run_record
from common.bundles.recompute import folds_of
from common.bundles.schema import FORMAT, HEAD, VERSION
from common.corpora.composite import DOCUMENTED
from common.protocols.controls import controls
from common.seeds import seed_of
from common.types import Experiment, FoldResult

PAPER = "reddy2019"
SMIC = (
    *(("stcnn-smic/loso", seed) for seed in (0, 1)),
    ("stcnn-smic/loso+no-motion", 0),
    ("stcnn-smic/published", 0),
)
COMPOSITE = (("stcnn-composite/loso", 0),)
"""Experiments and seeds in the two bundles."""
ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "Linux-x86_64",
    "processor": "AMD EPYC",
    "cores": "16",
    **dict.fromkeys(("tensorflow", "keras", "numpy"), "1.0"),
    "keras backend": "tensorflow",
    "code": "0" * 16,
}
_SUBJECTS = {"casme2": "sub{:02d}", "smic": "s{}", "samm": "{:03d}"}
_EPISODES = {"casme2": "EP{1:02d}_{2:02d}f", "smic": "s{0}_{3}_{2:02d}", "samm": "{0:03d}_{1}_{2}"}
_SHORT = {"negative": "ne", "positive": "po", "surprise": "sur"}


def clips_of(corpus: str) -> list[tuple[str, str]]:
    """Clip ids in the form of a corpus, with their classes: as many of each class and subject as are published."""
    row = DOCUMENTED[corpus]
    classes = [name for name in _SHORT for _ in range(row[name])]
    clips = []
    for number, name in enumerate(classes):
        subject = number % row["subjects"] + 1
        clip = _EPISODES[corpus].format(subject, number % 17 + 1, number // row["subjects"] + 1, _SHORT[name])
        clips.append((f"{corpus}/{_SUBJECTS[corpus].format(subject)}/{clip}", name))
    return clips


def contents(made: Sequence[tuple[str, int]] = SMIC, who: str = "first", key: str = PAPER) -> Contents:
    """The records of a bundle of these experiments and seeds of a paper.

    Another `who` has the same clips, but its own data folder, predictions and times.
    """
    paper = papers.load(key)
    experiments = {e.id: e for plain in paper.experiments for e in (plain, *controls(plain))}
    profile = paper.profiles["paper"]
    runs: dict[str, Any] = {}
    used: set[str] = set()
    for experiment_id, seed in made:
        experiment = experiments[experiment_id]
        names = experiment.labels.classes
        clips = [(clip, names.index(name)) for corpus in experiment.corpora for clip, name in clips_of(corpus)]
        used |= {clip for clip, _ in clips}
        settings = json.loads(json.dumps(public(asdict(profile.settings.having(experiment.settings)))))
        epochs = next((value for name, value in settings["training"].items() if name.endswith("epochs")), 0)
        results = [*_results(experiment, clips, seed, who, epochs)]
        about = {"seed": seed, "motion": 1.0, "settings": settings}
        runs[f"run-{len(runs) + 1:04}.json"] = run_record(
            paper, experiment, profile, "licensed", about, clips, [], results
        )
    head = {
        "format": FORMAT,
        "schema": VERSION,
        "paper": key,
        "data": "licensed",
        "profile": "paper",
        "options": [],
        "version": released.current(),
        "sources": released.sources_digest(papers.code(key)),
        "copy": _sha("copy", who),
        "date": "2026-01-31",
        "digests": {clip: [_sha("files", clip), _sha("annotation", clip)[:2]] for clip in sorted(used)},
        "excluded": {},
    }
    records: Contents = json.loads(json.dumps({HEAD: head, **runs}))
    return records


def _results(
    experiment: Experiment, clips: Sequence[tuple[str, int]], seed: int, who: str, epochs: int
) -> Iterator[FoldResult]:
    ids, truth = [clip for clip, _ in clips], np.array([label for _, label in clips], np.int64)
    for fold in folds_of(experiment, clips, seed):
        rng = np.random.default_rng(seed_of(who, experiment.id, fold.name, seed))
        logits = rng.normal(size=(len(fold.test), 3))
        logits[np.arange(len(fold.test)), truth[fold.test]] += 1
        loss = np.sort(rng.random(epochs))[::-1]
        history = {"loss": loss.tolist(), "accuracy": (1 - loss / 2).tolist()}
        if not experiment.leak_free:
            right = int((logits.argmax(axis=1) == truth[fold.test]).sum())
            counts = np.sort(rng.integers(0, right, epochs, endpoint=True))
            history["val_accuracy"] = [*(counts[:-1] / len(fold.test)).tolist(), right / len(fold.test)]
        yield FoldResult(
            fold=fold.name,
            clips=tuple(ids[row] for row in fold.test.tolist()),
            truth=truth[fold.test],
            probabilities=(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32),
            history={} if experiment.linear else {"network": history},
            seed=seed,
            seconds=float(30 + 10 * rng.random()),
            measured={"parameters stcnn, 18 frames": 1643267.0, "flops": 136126208.0},
            environment=ENVIRONMENT,
        )


def _sha(*words: str) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()
