"""The papers: one folder each, found by looking. Adding a paper is adding a folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from common.contract import Paper
from common.environment import sources
from common.errors import UserError

if TYPE_CHECKING:
    from common.contract import Parts


def available() -> tuple[str, ...]:
    """The keys of all papers, in order of name."""
    return tuple(sorted(file.parent.name for file in Path(__file__).parent.glob("*/experiments.py")))


def load(key: str) -> Paper:
    """A paper's identity and experiments; imports neither Keras nor OpenCV. Raises UserError for an unknown key."""
    if key not in available():
        raise UserError(f"unknown paper {key!r}; known: {', '.join(available())}")
    paper: Paper = import_module(f"papers.{key}").PAPER
    return paper


def parts(key: str) -> Parts:
    """The working modules of a paper; Keras is imported only when a fold is to be trained."""
    from common.contract import Parts

    return Parts(
        preprocess=import_module(f"papers.{key}.preprocess"),
        figures=import_module(f"papers.{key}.figures"),
        recipe=lambda: _recipe(key),
        needs=import_module(f"papers.{key}.experiments").needs,
    )


def _recipe(key: str) -> ModuleType:
    import_module("common.training.learner")  # first: it imports Keras without the backend's startup notes
    return import_module(f"papers.{key}.recipe")


def code(key: str) -> tuple[str, ...]:
    """The source files, relative to the project's root, that decide what a run of this paper predicts."""
    own = (f"papers/{key}/{name}.py" for name in ("experiments", "model", "preprocess", "recipe"))
    return sources((*own, "common/protocols/splits.py", "common/runs/folds.py"))
