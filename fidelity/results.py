"""Results of the comparisons, their tables, and the file that is part of the docs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.environment import processor
from common.files import write_atomically
from common.report.formatting import DASH

FILE = Path(__file__).with_name("results.json")
INSTALL = 'PyTorch is not installed; to compare its networks too: pip install -e ".[fidelity]" -c constraints.txt'
CHECKS = ("outputs", "loss", "loss where saturated", "gradients")


@dataclass(frozen=True)
class NetworkRow:
    """A network: deviations by check at full size and at the smallest, and the facts that differ.

    Deviations are empty if the network's framework is not installed, or at a size that was not compared.
    """

    name: str
    paper: str
    framework: str
    full: Mapping[str, float]
    small: Mapping[str, float]
    out_of_tolerance: Sequence[str]
    by_hand: Sequence[str]
    installed: bool = True


@dataclass(frozen=True)
class StepRow:
    """A data step and its deviation."""

    name: str
    papers: str
    deviation: float
    tolerance: float
    unit: str
    by_hand: str

    def holds(self) -> bool:
        """Whether the deviation is within the tolerance."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class MutationRow:
    """A planted fault, the check that must notice it, and the one that did; `noticed` is None if it was not run."""

    what: str
    where: str
    check: str
    noticed: str | None
    framework: str = ""


@dataclass(frozen=True)
class DifferenceRow:
    """A difference between generations of Keras, and the deviation `of` something that it causes, if measured."""

    what: str
    generations: str
    touches: str
    suite: str
    of: str
    deviation: float | None


@dataclass(frozen=True)
class Found:
    """All results; differences between generations only if all sizes are compared."""

    networks: Sequence[NetworkRow]
    steps: Sequence[StepRow]
    mutations: Sequence[MutationRow]
    differences: Sequence[DifferenceRow] = ()


def cells(row: NetworkRow) -> list[str]:
    """The cells of a network's line."""
    numbers = [row.full.get(check) for check in CHECKS if check != "loss where saturated"]
    numbers += [row.small.get(check) for check in (*CHECKS, "steps")]
    verdict = DASH if not row.installed else ", ".join(row.out_of_tolerance) or "OK"
    return [row.name, row.paper, row.framework, *map(number, numbers), verdict]


HEAD = (
    *("Network", "Paper", "Port", "Outputs", "Loss", "Gradients"),
    *("Outputs", "Loss", "Saturated", "Gradients", "Steps", ""),
)


def number(value: float | None) -> str:
    """A deviation with one digit, a dash if there is none."""
    return DASH if value is None else f"{value:.0e}" if value else "0"


def step_cells(row: StepRow) -> list[str]:
    """The cells of a data step's line."""
    return [row.name, row.papers, number(row.deviation), f"{row.tolerance:g}", row.unit, "OK" if row.holds() else "not"]


def effect(row: DifferenceRow) -> str:
    """The deviation that a difference causes, and of what; a dash if it was not measured."""
    return DASH if row.deviation is None else f"{row.deviation:.1g}: {row.of}"


def summary(found: Found) -> Iterator[str]:
    """What is not as it should be, and the last line."""
    for mutation in found.mutations:
        if mutation.noticed is not None and mutation.noticed != mutation.check:
            what = f"noticed by {mutation.noticed}" if mutation.noticed else "not noticed"
            yield f"{mutation.where}, {mutation.what}: {what}, not by {mutation.check}"
    if any(not row.installed for row in found.networks):
        yield INSTALL
    yield caught(found)


def caught(found: Found) -> str:
    """The line that counts the planted faults."""
    run = [mutation for mutation in found.mutations if mutation.noticed is not None]
    good = sum(mutation.noticed == mutation.check for mutation in run)
    left = len(found.mutations) - len(run)
    return f"{good} of {len(run)} mutations caught" + (f", {left} need PyTorch" if left else "")


def holds(found: Found) -> bool:
    """Whether everything is within its tolerance and every planted fault was noticed by its check."""
    return (
        not any(row.out_of_tolerance for row in found.networks)
        and all(row.holds() for row in found.steps)
        and all(mutation.noticed in (None, mutation.check) for mutation in found.mutations)
    )


def write(found: Found, seconds: float) -> None:
    """Write the results for the docs."""
    record = {"processor": processor(), "seconds": round(seconds), **asdict(found)}
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    write_atomically(FILE, lambda path: path.write_text(text, encoding="utf-8"))


def read(path: Path = FILE) -> dict[str, Any]:
    """The stored results."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def stored(record: Mapping[str, Any]) -> Found:
    """The results of a file."""
    return Found(
        [NetworkRow(**row) for row in record["networks"]],
        [StepRow(**row) for row in record["steps"]],
        [MutationRow(**row) for row in record["mutations"]],
        [DifferenceRow(**row) for row in record["differences"]],
    )
