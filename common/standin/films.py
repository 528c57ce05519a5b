"""Recordings and the clips of a corpus in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from common.standin import casting, recordings
from common.standin.casting import Role
from common.standin.faces import generator

UNRELEASED = 23  # one in this many clips of SMIC HS, 7 of all 164, has no long recording of its own
ENCORES = 4  # long recordings of SMIC with a second expression


@dataclass(frozen=True)
class Film:
    """A recording: frames `first` to `last` and the clips in it.

    `encore` is an expression after the clip that is not a clip of the corpus; `released` is False for recordings of
    which only the clip was published.
    """

    corpus: str
    subject: str
    name: str
    first: int
    last: int
    roles: tuple[Role, ...]
    encore: Role | None = None
    released: bool = True

    @property
    def id(self) -> str:
        """`corpus/subject/name`, which seeds everything random in the film."""
        return f"{self.corpus}/{self.subject}/{self.name}"

    @property
    def played(self) -> tuple[Role, ...]:
        """Every expression that the film shows."""
        return (*self.roles, self.encore) if self.encore else self.roles


def films(
    corpus: str, subjects: int | None, clips: int | None, seed: int, known: Mapping[tuple[str, str], str] | None = None
) -> tuple[Film, ...]:
    """All recordings of a corpus, in the order of its table; with `known` those of its clips (see `casting.recast`)."""
    if corpus == "casme_sq":
        return _recordings(recordings.cast(subjects, clips, seed), seed)
    if known is None:
        roles = casting.cast(corpus, subjects, clips, seed)
    else:
        roles = casting.recast(corpus, known, subjects, clips, seed)
    if corpus == "casme2":
        return tuple(_single(role, role.onset - 1, _frames(role, seed, "after", 20, 60)) for role in roles)
    if corpus == "smic":
        return _long(roles, subjects is None and clips is None, seed)
    return tuple(_single(role, 0, 0) for role in roles)


def _single(role: Role, before: int, after: int, encore: Role | None = None, released: bool = True) -> Film:
    first, last = role.onset - before, (encore or role).offset + after
    return Film(role.corpus, role.subject, role.name, first, last, (role,), encore, released)


def _frames(role: Role, seed: int, part: str, least: int, most: int) -> int:
    return int(generator(seed, role.id, part).integers(least, most + 1))


def _long(roles: Sequence[Role], whole: bool, seed: int) -> tuple[Film, ...]:
    """Add neutral frames around the clips, but none before the first one, whose beginning is missing."""
    step = max(len(roles) // ENCORES, 2)
    made = []
    for index, role in enumerate(roles):
        before = 0 if index == 0 else _frames(role, seed, "before", 30, 70)
        encore = None
        if index % step == step // 2 and index // step < (ENCORES if whole else 1):
            gap = role.offset + _frames(role, seed, "gap", 30, 50) - role.onset
            encore = replace(role, onset=role.onset + gap, apex=role.apex + gap, offset=role.offset + gap)
        released = not whole or index % UNRELEASED != UNRELEASED - 1
        made.append(_single(role, before, _frames(role, seed, "after", 30, 70), encore, released))
    return tuple(made)


def _recordings(roles: Sequence[Role], seed: int) -> tuple[Film, ...]:
    together: dict[tuple[str, str], list[Role]] = {}
    for role in roles:
        together.setdefault((role.subject, role.recording), []).append(role)
    return tuple(
        Film("casme_sq", subject, name, 1, recordings.length(parts[0], seed), tuple(parts))
        for (subject, name), parts in together.items()
    )
