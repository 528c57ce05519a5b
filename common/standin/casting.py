"""The clips of the stand-ins of CASME II, SMIC and SAMM: subjects, names, emotions, action units, frame numbers.

Names, counts and oddities are those of the real corpora; the clips themselves are invented. CAS(ME)^2, whose clips
are parts of recordings, is defined in `recordings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.corpora.composite import MEGC2019
from common.files import natural
from common.standin.faces import generator

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "casme2": tuple(f"{number:02d}" for number in range(1, 27)),
    "smic": tuple(str(number) for number in range(1, 21) if number not in (7, 10, 16, 17)),
    "smic_vis": tuple(str(number) for number in range(11, 21) if number not in (16, 17)),
    "smic_nir": tuple(str(number) for number in range(11, 21) if number not in (16, 17)),
    "samm": tuple(f"{number:03d}" for number in range(6, 38) if number not in (8, 27, 29)),
}
FPS: Mapping[str, float] = {
    "casme2": 200.0, "smic": 100.0, "smic_vis": 25.0, "smic_nir": 25.0, "samm": 200.0, "casme_sq": 30.0,
}  # fmt: skip
SMIC = ("smic", "smic_vis", "smic_nir")

# How an emotion shows (FACS action units; L and R are the person's sides).
SHOWN: Mapping[str, tuple[str, ...]] = {
    "happiness": ("12", "6+12", "6+12", "12+25"),
    "disgust": ("4+9", "4+10", "4+7+9", "9+10"),
    "repression": ("14", "15+17", "14+17", "15"),
    "surprise": ("1+2", "1+2+5", "1+2+25"),
    "sadness": ("1+4+15", "4+15"),
    "anger": ("4+7", "4"),
    "fear": ("1+2+4", "1+4+5"),
    "contempt": ("L14", "R14"),
    "others": ("7", "17", "4", "4+7"),
}
NEGATIVE: Mapping[str, tuple[str, ...]] = {
    "casme2": ("disgust", "repression", "disgust"),
    "smic": ("disgust", "repression", "anger", "sadness"),
    "samm": ("anger", "contempt", "anger", "disgust", "fear", "sadness"),
}
REST: Mapping[str, str] = {"casme2": "others", "samm": "others"}  # one clip of each subject, outside the three classes

# Emotions in a whole corpus, and subjects that show none of the three classes.
WHOLE: Mapping[str, Mapping[str, int]] = {
    "casme2": {
        "happiness": 32, "disgust": 63, "repression": 27, "surprise": 25, "others": 99, "sadness": 7, "fear": 2,
    },
    "smic": {"negative": 70, "positive": 51, "surprise": 43},
    "smic_vis": {"negative": 23, "positive": 28, "surprise": 20},
    "smic_nir": {"negative": 23, "positive": 28, "surprise": 20},
    "samm": {
        "happiness": 26, "anger": 57, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6, "surprise": 15,
        "others": 26,
    },
}  # fmt: skip
FIXED: Mapping[tuple[str, str], tuple[str, ...]] = {("smic", "18"): ("surprise",) * 3}  # a table contains s18_sur_03
UNCLASSED: Mapping[str, tuple[str, ...]] = {"casme2": ("10", "18"), "samm": ("031",)}


@dataclass(frozen=True)
class Role:
    """One clip: frame numbers as played; `printed_...` are the values in the table where it is wrong.

    `recording` is the recording that contains the clip, if it has its own name. `valence` and `self_report` are codes
    of CAS(ME)^2 in addition to the stimulus, its emotion.
    """

    corpus: str
    subject: str
    name: str
    emotion: str
    action_units: str
    onset: int
    apex: int
    offset: int
    printed_apex: int | str | None = None
    printed_offset: int | None = None
    printed_units: str | None = None
    recording: str = ""
    expression: str = "micro"
    valence: str = ""
    self_report: str = ""

    @property
    def id(self) -> str:
        """`corpus/subject/name`, which seeds everything random in the clip."""
        return f"{self.corpus}/{self.subject}/{self.name}"


# Rows of the real tables: (corpus, subject, clip): emotion, onset, apex as played, offset, apex as printed.
ODD: Mapping[tuple[str, str, str], tuple[str, int, int, int, int | str]] = {
    ("casme2", "04", "EP12_01f"): ("disgust", 261, 290, 321, "/"),
    ("casme2", "05", "EP09_05f"): ("repression", 69, 95, 123, 69),
}
ODD_IN_WHOLE: Mapping[tuple[str, str, str], tuple[str, int, int, int, int | str | None]] = {
    **ODD,
    ("casme2", "05", "EP16_04f"): ("disgust", 131, 190, 190, 190),
    ("casme2", "12", "EP09_06"): ("others", 92, 141, 141, 141),
    ("casme2", "20", "EP16_01"): ("others", 51, 104, 104, 104),
    ("casme2", "25", "EP18_04f"): ("others", 120, 171, 171, 171),
    ("casme2", "24", "EP07_01"): ("sadness", 85, 111, 139, None),
    ("casme2", "24", "EP07_04f"): ("sadness", 301, 325, 352, None),
    ("casme2", "24", "EP10_03"): ("sadness", 44, 70, 101, None),
    ("casme2", "02", "EP01_2"): ("disgust", 18, 46, 80, None),
    ("casme2", "03", "EP08_1"): ("others", 33, 60, 91, None),
    ("casme2", "15", "EP06_02_01"): ("happiness", 27, 62, 90, None),
    ("casme2", "19", "EP09f"): ("surprise", 61, 88, 118, None),
    ("samm", "028", "028_4_1"): ("anger", 1062, 1105, 1134, 1143),
    ("samm", "032", "032_3_1"): ("anger", 4896, 4930, 4970, 1930),
    ("samm", "032", "032_3_2"): ("anger", 5126, 5168, 5194, 5127),
}


def cast(corpus: str, subjects: int | None, clips: int | None, seed: int) -> tuple[Role, ...]:
    """All clips of a corpus other than CAS(ME)^2.

    `subjects` limits the subjects, `clips` the clips of the three classes per subject. With few clips, lengths drawn
    for each clip could by chance reveal the classes to a network that sees no motion: so all clips of a subject then
    have the same length.
    """
    people = SUBJECTS[corpus][:subjects]
    odd = ODD_IN_WHOLE if clips is None else ODD
    placed = {key: row for key, row in odd.items() if key[0] == corpus and key[1] in people}
    if clips is None:
        parts = _whole(corpus, people, placed, generator(seed, corpus, "deal", len(people)))
    else:
        parts = _rotated(corpus, people, clips)
    roles = []
    for person in people:
        names = _names(corpus, person, parts[person], generator(seed, corpus, person, "names"))
        drawn = [
            _drawn(corpus, person, name, emotion, _length(corpus, person, name if clips is None else "", seed), seed)
            for name, emotion in zip(names, parts[person], strict=True)
        ]
        for (_, who, name), (emotion, onset, apex, offset, printed) in placed.items():
            if who == person:
                units = str(generator(seed, corpus, person, name, "units").choice(SHOWN[emotion]))
                drawn.append(Role(corpus, person, name, emotion, units, onset, apex, offset, printed))
        roles += sorted(drawn, key=lambda role: role.name)
    return tuple(roles)


def recast(
    corpus: str, known: Mapping[tuple[str, str], str], subjects: int | None, clips: int | None, seed: int
) -> tuple[Role, ...]:
    """The clips `known` by subject and name, with their classes in the MEGC 2019 composite; without action units.

    The emotion of a clip is one of its class, and its frame numbers are those of the real table if they are written
    down here; else both are drawn. `subjects` and `clips` limit as in `cast`; classes alternate within a subject.
    """
    roles = []
    for person in sorted({subject for subject, _ in known}, key=natural)[:subjects]:
        names = sorted((name for subject, name in known if subject == person), key=natural)
        order = []
        for place, name in enumerate(names):
            kind = known[person, name]
            turn = [known[person, other] for other in names[:place]].count(kind)
            order.append((turn, MEGC2019.classes.index(kind), name))
        for *_, name in sorted(order)[:clips]:
            emotion = _emotion(corpus, known[person, name], generator(seed, corpus, person, name, "emotion"))
            odd = ODD_IN_WHOLE.get((corpus, person, name))
            if odd and MEGC2019.mapping[corpus][odd[0]] == known[person, name]:
                roles.append(Role(corpus, person, name, odd[0], "", *odd[1:]))
            else:
                length = _length(corpus, person, name if clips is None else "", seed)
                roles.append(replace(_drawn(corpus, person, name, emotion, length, seed), action_units=""))
    return tuple(roles)


def _emotion(corpus: str, kind: str, rng: np.random.Generator) -> str:
    """An emotion of a corpus that is of this class in the composite."""
    if corpus == "smic" or kind == "surprise":
        return kind
    return "happiness" if kind == "positive" else str(rng.choice(NEGATIVE[corpus]))


def _rotated(corpus: str, people: Sequence[str], clips: int) -> dict[str, list[str]]:
    """Rotate emotions: each subject has two classes or more (from two clips on), all subjects together all three."""
    parts: dict[str, list[str]] = {}
    for index, person in enumerate(people):
        parts[person] = [REST[corpus]] if corpus in REST else []
        if corpus == "casme2" and index == 0:
            parts[person].append("sadness")
        for turn in range(clips):
            kind = ("negative", "happiness", "surprise")[(index + turn) % 3]
            if corpus in SMIC:
                kind = "positive" if kind == "happiness" else kind
            elif kind == "negative":
                kind = NEGATIVE[corpus][(index + turn // 3) % len(NEGATIVE[corpus])]
            parts[person].append(kind)
    return parts


def _whole(
    corpus: str, people: Sequence[str], placed: Mapping[tuple[str, str, str], tuple], rng: np.random.Generator
) -> dict[str, list[str]]:
    """The real numbers of clips per emotion, distributed so that each classed subject has two classes or more.

    If `people` are fewer than the whole corpus, each emotion is reduced in proportion.
    """
    share = len(people) / len(SUBJECTS[corpus])
    left = {emotion: max(round(count * share), 1) for emotion, count in WHOLE[corpus].items()}
    for emotion, *_ in placed.values():
        left[emotion] = max(left[emotion] - 1, 0)
    parts: dict[str, list[str]] = {person: list(FIXED.get((corpus, person), ())) for person in people}
    for emotion in (emotion for given in parts.values() for emotion in given):
        left[emotion] = max(left[emotion] - 1, 0)
    classed = [person for person in people if person not in UNCLASSED.get(corpus, ())] or list(people)
    lighter = [emotion for emotion in left if emotion in ("happiness", "positive", "surprise")]
    other = [emotion for emotion in left if emotion in REST.values()]
    heavier = [emotion for emotion in left if emotion not in lighter and emotion not in other]
    for emotions in (lighter, heavier):
        deck = [emotion for emotion in emotions for _ in range(left[emotion])]
        rng.shuffle(deck)
        # The rare emotions of CASME II belong to no class: everyone first gets a clip of a class.
        deck.sort(key=lambda emotion: corpus == "casme2" and emotion in ("sadness", "fear"))
        for index, emotion in enumerate(deck):
            turn = index if index < len(classed) else int(len(classed) * rng.random() ** 1.5)
            parts[classed[turn % len(classed)]].append(emotion)
    for emotion in other:
        order = [person for person in people if person in UNCLASSED.get(corpus, ())]
        for index in range(left[emotion]):
            person = order[index] if index < len(order) else people[int(rng.integers(len(people)))]
            parts[person].append(emotion)
    return parts


def _names(corpus: str, person: str, emotions: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Clip names in the style of the corpus, none of them that of an odd row."""
    if corpus in SMIC:
        short = {"negative": "ne", "positive": "po", "surprise": "sur"}
        return [f"s{person}_{short[e]}_{emotions[: i + 1].count(e):02d}" for i, e in enumerate(emotions)]
    taken = {name for of, who, name in ODD_IN_WHOLE if (of, who) == (corpus, person)}
    if corpus == "casme2":
        known = [f"EP{film:02d}_{turn:02d}{end}" for film in range(1, 20) for turn in range(1, 9) for end in ("", "f")]
    else:
        known = [f"{person}_{film}_{turn}" for film in range(1, 8) for turn in range(1, 8)]
    free = [name for name in known if name not in taken]
    return [free[index] for index in rng.permutation(len(free))[: len(emotions)]]


def _length(corpus: str, person: str, name: str, seed: int) -> int:
    """Frames of a clip; of all clips of a subject if `name` is empty, and then enough for every network."""
    rng = generator(seed, corpus, person, name, "length")
    if corpus in SMIC:
        length = int(np.clip(round(rng.normal(33.7, 9.5)), 11 if name else 20, 58))
        return length if corpus == "smic" else max(round(length / 4), 4)  # VIS and NIR: a quarter of the frames
    return int(rng.integers(40, 81 if corpus == "casme2" else 91))


def _drawn(corpus: str, person: str, name: str, emotion: str, length: int, seed: int) -> Role:
    rng = generator(seed, corpus, person, name, "role")
    shown = emotion
    if corpus in SMIC:
        shown = {"positive": "happiness", "surprise": "surprise"}.get(emotion, str(rng.choice(NEGATIVE["smic"])))
        onset = int(rng.integers(10_000, 900_000)) if rng.random() < 0.8 else int(rng.integers(1_000_000, 2_000_000))
    elif corpus == "casme2":
        onset = int(rng.integers(20, 400))
    else:
        onset = int(rng.integers(83, 12_200))
    if corpus in ("smic_vis", "smic_nir"):  # numbers of four digits
        onset = 1000 + onset % 9000
    apex = onset + round((length - 1) * rng.uniform(0.3, 0.7))
    return Role(corpus, person, name, emotion, str(rng.choice(SHOWN[shown])), onset, apex, onset + length - 1)
