"""Which experiment's network is used."""

from __future__ import annotations

from collections.abc import Collection

from common.contract import Paper
from common.errors import UserError
from common.types import Experiment


def choose(paper: Paper, name: str | None, found: Collection[str] | None = None) -> tuple[Experiment, str]:
    """The experiment whose network is used, and a line that says why if it is not the default one.

    The default is the first on common ground. `found` are the corpora in the user's folder, None if all are there. If
    the default needs others, the experiment is used that trains on the most of those found or, if there are several,
    the first of these that runs by default. Raises UserError for an experiment that does not exist, is not leak-free
    (its training may use other clips too), or searches its settings in every fold, and if no experiment can run on what
    is found. Networks that read maps cannot read a recording.
    """
    free = [e for e in paper.experiments if e.leak_free and not e.space and not e.collected_from]
    if name is None:
        return _default(paper, free, found)
    matches = [e for e in free if name in (e.id, e.name)]
    if len(matches) == 1:
        return matches[0], ""
    known = ", ".join(e.id for e in matches or free)
    fault = "several experiments" if matches else "no leak-free experiment with settings of its own"
    raise UserError(f"{paper.key}: --experiment {name} names {fault}; --predict takes one of {known}")


def _default(paper: Paper, free: list[Experiment], found: Collection[str] | None) -> tuple[Experiment, str]:
    default = next(e for e in free if e.common_ground)
    if found is None or set(default.corpora) <= set(found):
        return default, ""
    missing = " and ".join(corpus for corpus in default.corpora if corpus not in found)
    possible = [e for e in free if set(e.corpora) <= set(found)]
    if not possible:
        needs = ", or ".join(dict.fromkeys(" and ".join(e.corpora) for e in free))
        raise UserError(
            f"{paper.key}: no network can be trained on the corpora in --data ({', '.join(found) or 'none'}): its "
            f"experiments need {needs}; name another paper with --paper, or the folder of a saved model with --model"
        )
    best = max(possible, key=lambda e: (len(set(e.corpora) - set(e.tested_on)), not e.on_request))
    learnt = " and ".join(corpus for corpus in best.corpora if corpus not in best.tested_on)
    return best, (
        f"using the network of {best.id}, trained on {learnt}: the default, {default.id}, needs {missing}, not found "
        "in --data, and no experiment that can run trains on more corpora; --experiment chooses another"
    )
