"""Count the parameters of a paper's networks, built at the paper's own sizes.

python docs/parameters.py aouayeb2019

Prints JSON: the counts that the networks report, by experiment. Networks that experiments share are built once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def count(key: str) -> dict[str, dict[str, int]]:
    """Return the parameter counts by experiment id and name; weights are random, so that none are downloaded."""
    import papers
    from common.training.learner import Learner
    from common.training.weights import NONE, Weights, starting_from

    paper, parts = papers.load(key), papers.parts(key)
    full = starting_from(paper.profiles["paper"], Weights(NONE)).settings
    recipe, preprocess = parts.recipe(), parts.preprocess
    setattr(Learner, "__init__", _built)  # noqa: B010
    built: dict[Hashable, dict[str, int]] = {}
    counts: dict[str, dict[str, int]] = {}
    for experiment in paper.experiments:
        settings = full.having(experiment.settings)
        network = parts.network_key(experiment, settings)
        if network not in built:
            shapes, classes = preprocess.shapes(settings), experiment.labels.classes
            built[network] = dict(
                recipe.build_networks(settings.network, settings.training, shapes, classes, 0).facts()
            )
        counts[experiment.id] = built[network]
    return counts


def _built(learner: Any, build: Callable[[], Any], **_: object) -> None:
    """Replace `Learner.__init__`, which also compiles and copies all weights: gigabytes for some networks."""
    learner.model = build()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(count(sys.argv[1])))
