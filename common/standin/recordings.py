"""The recordings and clips of the stand-in of CAS(ME)^2.

A recording shows a participant watching one stimulus, 170 to 200 frames long; a clip is an expression in it, named
after the stimulus and counted: `anger1_2` is the second one during `anger1`. Counts are those of the real corpus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from common.standin.casting import SHOWN, Role
from common.standin.faces import generator

PARTICIPANTS = tuple(str(number) for number in (15, 16, *range(19, 28), *range(29, 39), 40))
"""Subject numbers on disk; the table numbers them from 1."""
CODES: Mapping[str, str] = {
    "happy1": "0502", "happy2": "0503", "happy3": "0505", "happy4": "0507", "happy5": "0508", "anger1": "0401",
    "anger2": "0402", "disgust1": "0101", "disgust2": "0102",
}  # fmt: skip
TITLES: Mapping[str, str] = {
    "0101": "disgustingteeth", "0102": "spoiltfood", "0401": "brokenpromise", "0402": "cruelprank",
    "0502": "funnycats", "0503": "funnyslip", "0505": "laughingbaby", "0507": "sillydance", "0508": "funnydogs",
}  # fmt: skip
EMOTIONS: Mapping[str, str] = {"happy": "happiness", "anger": "anger", "disgust": "disgust"}

WHOLE: Mapping[str, int] = {"happy": 167, "anger": 102, "disgust": 88}
MICRO: Mapping[str, int] = {"negative": 21, "others": 19, "surprise": 9, "positive": 8}  # by valence
MICRO_SUBJECTS = 14
FITTING: Mapping[str, tuple[str, ...]] = {
    "positive": ("happy",), "negative": ("anger", "disgust"), "others": tuple(WHOLE), "surprise": tuple(WHOLE),
}  # fmt: skip
NO_OFFSET, DISORDERED = 44, 3  # rows of macro-expressions with errors in the real table

SHORTEST, LONGEST = 170, 200
# The frames between which the expressions of a recording are: some readers use only frames 72 to 167.
WINDOWS: Mapping[int, tuple[tuple[int, int], ...]] = {
    1: ((58, 168),),
    2: ((10, 80), (88, 168)),
    3: ((8, 58), (66, 116), (124, 168)),
}
MICRO_FRAMES, MACRO_FRAMES = (8, 15), (24, 100)
MICRO_EVERY = 6  # one in this many clips of a subject is a micro-expression

Parts = dict[str, list[str]]
"""The clips of a subject by stimulus: the valence of each micro-expression, and "" for macro-expressions."""


def length(role: Role, seed: int) -> int:
    """The number of frames in the recording of a clip."""
    rng = generator(seed, role.corpus, role.subject, role.recording, "length")
    return int(rng.integers(SHORTEST, LONGEST + 1))


def cast(subjects: int | None, clips: int | None, seed: int) -> tuple[Role, ...]:
    """All clips; `subjects` limits the participants, `clips` the clips of each, at most 27."""
    people = PARTICIPANTS[:subjects]
    if clips is not None:
        parts = {person: _rotated(person, index, clips, seed) for index, person in enumerate(people)}
        return tuple(_drawn(parts, seed))
    whole = _misprinted(_drawn(_whole(seed), seed), generator(seed, "casme_sq", "misprints"))
    return tuple(role for role in whole if role.subject in people)


def _rotated(person: str, index: int, clips: int, seed: int) -> Parts:
    """Rotate emotions, two clips in a recording before the next one; the last clip is a micro-expression."""
    rng = generator(seed, "casme_sq", person, "stimuli")
    kinds = list(WHOLE)[index % 3 :] + list(WHOLE)[: index % 3]
    seats = []
    for at, kind in enumerate(kinds):
        stimuli = rng.permutation([stimulus for stimulus in CODES if stimulus.startswith(kind)]).tolist()
        filled = [stimulus for stimulus in stimuli for _ in range(2)] + stimuli
        seats += [(turn, at, stimulus) for turn, stimulus in enumerate(filled)]
    parts: Parts = {}
    for left, (_, _, stimulus) in zip(range(clips - 1, -1, -1), sorted(seats), strict=False):
        valence = "positive" if stimulus.startswith("happy") else "negative"
        parts.setdefault(stimulus, []).append(valence if left % MICRO_EVERY == 0 else "")
    return parts


def _whole(seed: int) -> dict[str, Parts]:
    """One to three clips in every recording, with the real numbers of each emotion, kind and valence."""
    rng = generator(seed, "casme_sq", "deal")
    seats: list[tuple[str, str]] = []
    for kind, count in WHOLE.items():
        pairs = [(person, stimulus) for person in PARTICIPANTS for stimulus in CODES if stimulus.startswith(kind)]
        seats += [pairs[index] for _ in range(3) for index in rng.permutation(len(pairs))][:count]
    valences = [""] * len(seats)
    shown = rng.permutation([valence for valence, count in MICRO.items() for _ in range(count)]).tolist()
    shy = rng.permutation(PARTICIPANTS)[:MICRO_SUBJECTS]
    for turn, valence in enumerate(shown):
        free = [
            index
            for index, (person, stimulus) in enumerate(seats)
            if person == shy[turn % len(shy)] and stimulus.startswith(FITTING[valence]) and not valences[index]
        ]
        valences[int(rng.choice(free))] = valence
    parts: dict[str, Parts] = {person: {} for person in PARTICIPANTS}
    for (person, stimulus), valence in zip(seats, valences, strict=True):
        parts[person].setdefault(stimulus, []).append(valence)
    return parts


def _drawn(parts: Mapping[str, Parts], seed: int) -> list[Role]:
    """The clips in the order of the table: by participant and stimulus."""
    roles = []
    for person, stimuli in parts.items():
        for stimulus in sorted(stimuli):
            # Micro-expressions first: frames 72 to 167 then show a large expression, if there is one.
            valences = sorted(stimuli[stimulus], key=lambda valence: not valence)
            for turn, (window, valence) in enumerate(zip(WINDOWS[len(valences)], valences, strict=True), 1):
                roles.append(_role(person, stimulus, turn, window, valence, seed))
    return roles


def _role(person: str, stimulus: str, turn: int, window: tuple[int, int], valence: str, seed: int) -> Role:
    name, emotion = f"{stimulus}_{turn}", EMOTIONS[stimulus[:-1]]
    rng = generator(seed, "casme_sq", person, name, "role")
    least, most = MICRO_FRAMES if valence else MACRO_FRAMES
    frames = int(rng.integers(least, min(most, window[1] - window[0]) + 1))
    onset = int(rng.integers(window[0], window[1] - frames + 1))
    return Role(
        corpus="casme_sq",
        subject=person,
        name=name,
        emotion=emotion,
        action_units=str(rng.choice(SHOWN["surprise" if valence == "surprise" else emotion])),
        onset=onset,
        apex=onset + round((frames - 1) * rng.uniform(0.3, 0.7)),
        offset=onset + frames - 1,
        recording=f"{person}_{CODES[stimulus]}{TITLES[CODES[stimulus]]}",
        expression="micro" if valence else "macro",
        valence=valence or ("positive" if emotion == "happiness" else "negative"),
        self_report=emotion,
    )


def _misprinted(roles: Sequence[Role], rng: np.random.Generator) -> list[Role]:
    """The whole corpus with the errors of the real table, all of them in rows of macro-expressions."""
    printed = list(roles)
    odd = [int(index) for index in rng.permutation(len(roles)) if roles[index].expression == "macro"]
    for index in odd[:NO_OFFSET]:
        printed[index] = replace(roles[index], printed_offset=0)
    no_apex, unnamed, *rest = odd[NO_OFFSET:]
    printed[no_apex] = replace(roles[no_apex], printed_apex=0)
    printed[unnamed] = replace(roles[unnamed], printed_units="NULL")
    for turn, index in enumerate(rest[:DISORDERED]):
        role = roles[index]
        printed[index] = replace(role, printed_apex=role.onset - 3 if turn % 2 else role.offset + 4)
    happy = next(index for index in rest[DISORDERED:] if roles[index].emotion == "happiness")
    printed[happy] = replace(roles[happy], self_report="happyiness")
    return printed
