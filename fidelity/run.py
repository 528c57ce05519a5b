"""All comparisons, one network after the other, so that each is built as few times as possible."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from contextlib import closing

import numpy as np

from fidelity import compare, data, generations
from fidelity.compare import FULL, SMALL, TOLERANCES, Case, deviations, differing, facts, failing, installed
from fidelity.faults import networks as mutations
from fidelity.faults import steps as mutations_data
from fidelity.faults.changes import patched
from fidelity.faults.networks import Mutation
from fidelity.networks import PYTORCH, Network, each
from fidelity.records import Size
from fidelity.results import HEAD, Found, MutationRow, NetworkRow, StepRow, cells, effect, step_cells

WIDTHS = (24, 12, 8, *[9] * 8, 1)


def everything(*, short: bool, only: Collection[str] = (), say: Callable[[str], None] = print) -> Found:
    """Compare networks and data steps, and plant the faults; only those called `only`, if any are."""
    networks, steps, faults = list[NetworkRow](), list[StepRow](), list[MutationRow]()
    say(" " * 45 + "full size, float32" + " " * 12 + "smallest size, float64")
    say(_line(HEAD))
    for network in each(short):
        if only and network.name not in only:
            continue
        own, found = of_network(network, short=short)
        gc.collect()  # models refer to themselves, and the largest has 177 million weights
        networks.append(own)
        faults += found
        say(_line(cells(own)))
    say("")
    for step in data.STEPS:
        if only and step.name not in only:
            continue
        row = StepRow(step.name, step.papers, step.deviation(), step.tolerance, step.unit, step.by_hand)
        steps.append(row)
        faults += [_of_step(mutation, step) for mutation in mutations_data.MUTATIONS if mutation.where == step.name]
        say("  ".join(cell.ljust(width) for cell, width in zip(step_cells(row), (28, 30, 7, 7, 24, 4), strict=True)))
    say("")
    differences = [] if short or only else generations.rows()
    for difference in differences:
        if difference.deviation is not None:
            say(f"{difference.what}: {effect(difference)}")
    return Found(networks, steps, faults, differences)


def of_network(network: Network, *, short: bool) -> tuple[NetworkRow, list[MutationRow]]:
    """Compare a network, and plant its faults."""
    planted = [mutation for mutation in mutations.MUTATIONS if mutation.where == network.name]
    names = network.name, network.paper, network.framework
    if not installed(network.framework):
        row = NetworkRow(*names, {}, {}, (), network.by_hand, installed=False)
        return row, [_row(mutation, network, None) for mutation in planted]
    small, wrong, case = _compared(network, network.small, SMALL)
    full: dict[str, float] = {}
    if not short:
        full, more, _ = _compared(network, network.full, FULL)
        wrong += [f"{name} (full size)" for name in more]
    row = NetworkRow(*names, full, small, wrong, network.by_hand)
    found = []
    for mutation in planted:
        with closing(failing(network, case, mutation.how, mutation.check)) as checks:
            noticed = next(checks, "")
        found.append(_row(mutation, network, noticed))
    return row, found


def _compared(network: Network, size: Size, precision: str) -> tuple[dict[str, float], list[str], Case]:
    """Deviations of a network, the checks that fail, and the case for its faults."""
    steps = precision == SMALL
    built, own, case = compare.both(network, size, precision, steps=steps)
    found = deviations(own, case)
    wrong = [name for name, deviation in found.items() if not deviation <= TOLERANCES[precision, name]]
    return found, [*differing(facts(built), case.facts), *wrong], case


def _of_step(mutation: Mutation, step: data.Step) -> MutationRow:
    with patched(mutation.how), np.errstate(all="ignore"):  # a fault may overflow
        noticed = step.name if not step.deviation() <= step.tolerance else ""
    return MutationRow(mutation.what, mutation.where, mutation.check, noticed)


def _row(mutation: Mutation, network: Network, noticed: str | None) -> MutationRow:
    framework = PYTORCH if network.framework == PYTORCH else ""
    return MutationRow(mutation.what, mutation.where, mutation.check, noticed, framework)


def _line(row: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    return " ".join(cell[:width].ljust(width) if width > 1 else cell for cell, width in zip(row, WIDTHS, strict=True))
