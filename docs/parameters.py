"""How many parameters the networks of a paper have, counted on the networks as built at the paper's own sizes.

python docs/parameters.py aouayeb2019

Prints JSON: by experiment the counts that its networks name. Networks that experiments share are built once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def count(key: str) -> dict[str, dict[str, int]]:
    """By experiment id, the parameter counts by name; weights are random, so that none are downloaded."""
    import papers
    from common.training.learner import Learner
    from common.training.weights import NONE, Weights, starting_from

    paper, parts = papers.load(key), papers.parts(key)
    settings = starting_from(paper.profiles["paper"], Weights(NONE)).settings
    recipe = parts.recipe()
    setattr(Learner, "__init__", _built)  # noqa: B010
    built: dict[Hashable, dict[str, int]] = {}
    for experiment in paper.experiments:
        needs = parts.needs(experiment, settings)
        if needs not in built:
            built[needs] = dict(recipe.Networks(experiment, settings, 0).facts())
    return {e.id: built[parts.needs(e, settings)] for e in paper.experiments}


def _built(learner: Any, build: Callable[[], Any], **_: object) -> None:
    """In place of a Learner's own beginning, which compiles too, and copies all weights: gigabytes of some networks."""
    learner.model = build()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(count(sys.argv[1])))
