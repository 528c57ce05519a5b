"""Count the parameters of a paper's networks, built at the paper's own sizes, and join their layers to blocks.

python docs/parameters.py aouayeb2019

Prints JSON: `counts` that the networks report, by experiment, and `blocks` of the first experiment of each network.
Networks that experiments share are built once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Hashable
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def networks(key: str) -> dict[str, Any]:
    """Return counts by experiment id and name, and blocks by network; weights are random: none are downloaded."""
    import papers
    from common.training.blocks import blocks
    from common.training.learner import Learner
    from common.training.weights import NONE, Weights, starting_from

    paper, parts = papers.load(key), papers.parts(key)
    full = starting_from(paper.profiles["paper"], Weights(NONE)).settings
    recipe, preprocess = parts.recipe(), parts.preprocess
    setattr(Learner, "__init__", _built)  # noqa: B010
    built: dict[Hashable, dict[str, int]] = {}
    counts: dict[str, dict[str, int]] = {}
    shown: dict[str, list[dict[str, Any]]] = {}
    for experiment in paper.experiments:
        settings = full.having(experiment.settings)
        network = parts.network_key(experiment, settings)
        if network not in built:
            shapes, classes = preprocess.shapes(settings), experiment.labels.classes
            made = recipe.build_networks(settings.network, settings.training, shapes, classes, 0)
            built[network] = dict(made.facts())
            if experiment.network not in shown:
                shown[experiment.network] = [asdict(block) for block in blocks(_models(made))]
        counts[experiment.id] = built[network]
    return {"counts": counts, "blocks": shown}


def _models(made: Any) -> dict[str, Any]:
    """The models of a paper's networks, by the attribute that holds them."""
    own = vars(made)
    return {
        name: getattr(value, "model", value)
        for name, value in own.items()
        if name == "model" or hasattr(value, "model")
    }


def _built(learner: Any, build: Callable[[], Any], **_: object) -> None:
    """Replace `Learner.__init__`, which also compiles and copies all weights: gigabytes for some networks."""
    learner.model = build()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(networks(sys.argv[1])))
