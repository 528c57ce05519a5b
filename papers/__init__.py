"""The papers, one folder each. To add a paper, add a folder."""

from __future__ import annotations

import functools
from importlib import import_module
from pathlib import Path

from common.audit import FACTS
from common.contract import Paper, Parts, Recipe
from common.environment import sources
from common.errors import UserError
from common.scoring.claims import read_paper

HERE = Path(__file__).parent


def available() -> tuple[str, ...]:
    """The keys of all papers, sorted by name."""
    return tuple(sorted(file.parent.name for file in HERE.glob("*/experiments.py")))


@functools.cache
def load(key: str) -> Paper:
    """A paper's description and experiments; imports neither Keras nor OpenCV. Raises UserError for an unknown key.

    Also raises UserError for a fact that neither `common/audit` nor the paper's own audit.py declares in its FACTS.
    """
    if key not in available():
        raise UserError(f"unknown paper {key!r}; known: {', '.join(available())}")
    experiments = import_module(f"papers.{key}.experiments")
    own = import_module(f"papers.{key}.audit") if _has(key, "audit") else None
    known = {**FACTS, **getattr(own, "FACTS", {})}
    return read_paper(HERE / key, experiments.EXPERIMENTS, experiments.PROFILES, own.audit if own else None, known)


def parts(key: str) -> Parts:
    """The working modules of a paper; Keras is imported only when a fold is trained."""
    return Parts(
        preprocess=import_module(f"papers.{key}.preprocess"),
        figures=import_module(f"papers.{key}.figures" if _has(key, "figures") else "common.vision.plain_figures"),
        recipe=functools.partial(_recipe, key),
    )


def _recipe(key: str) -> Recipe:
    import_module("common.training.keras_setup")  # first, because it imports Keras without its startup messages
    if _has(key, "recipe"):
        recipe: Recipe = import_module(f"papers.{key}.recipe")
        return recipe
    from common.training.single_network import SingleNetwork

    return SingleNetwork(key, import_module(f"papers.{key}.model"))


def code(key: str) -> tuple[str, ...]:
    """The source files, relative to the project's root, that determine the predictions of this paper's runs."""
    recipe = f"papers/{key}/recipe.py" if _has(key, "recipe") else "common/training/single_network.py"
    own = (f"papers/{key}/{name}.py" for name in ("experiments", "model", "preprocess"))
    return sources((*own, recipe, "common/protocols/splits.py", "common/runs/folds.py"))


def _has(key: str, module: str) -> bool:
    return (HERE / key / f"{module}.py").is_file()
