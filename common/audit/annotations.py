"""Compare printed counts with the corpora's own tables: clips, participants, frame rates, emotions, classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.audit.basics import by_arithmetic, by_documents, composites, row, source
from common.audit.finding import Finding
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = keys(
    *("class_counts", "split_counts", "joined", "dropped", "releases", "regrouped"),
    *("sequences", "participants", "frame_rates", "micro_expressions"),
    *("emotions", "named_emotions", "emotion_numbers"),
)
"""The facts that these checks read: of corpora, or of joined sets."""
REST = ("others", "other")
"""The names of the class for the remaining emotions."""


def against_documented(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """Class counts, `sequences`, `participants`, `frame_rates` and `micro_expressions` against the corpora's own.

    `dropped` (corpus to a rule in words) says why a printed count may be below the corpus' own, `releases` (corpus to
    the beginning of a title) which release the paper names: else any release or the corpus' article counts. If the
    paper has a composite, participants may be those of the corpus' part of it.
    """
    yield from _classes(facts, documented)
    for topic, ours in (("sequences", "clips"), ("participants", "subjects")):
        for corpus, printed in facts.get(topic, {}).items():
            known = dict(documented[ours].get(corpus, {}))
            if topic == "participants" and composites(facts) and corpus in documented.get("composite_subjects", {}):
                known["MEGC 2019 composite"] = documented["composite_subjects"][corpus]
            release = facts.get("releases", {}).get(corpus, "")
            if known:
                statement = f"{corpus}: printed {printed} {topic}{' of ' + release if release else ''}, documented "
                statement += f"{_by_number(known)}."
                holds = printed in [n for name, n in known.items() if name.startswith(release)]
                topic_of = f"{topic.capitalize()} against the corpora"
                yield by_documents(topic_of, statement, holds, source(facts, topic))
    for corpus, printed in facts.get("frame_rates", {}).items():
        if (rate := documented["frame_rates"].get(corpus)) is not None:
            statement = f"{corpus}: printed {printed} frames per second, distributed at {rate:g}."
            where = source(facts, "frame_rates")
            yield by_documents("Frame rates against the corpora", statement, printed == rate, where)
    for corpus, printed in facts.get("micro_expressions", {}).items():
        if (annotated := documented.get("micro_expressions", {}).get(corpus)) is not None:
            statement = (
                f"{corpus}: printed {printed} videos of micro-expressions; the distributed table annotates {annotated} "
                "micro-expressions."
            )
            where = source(facts, "micro_expressions")
            yield by_documents("Micro-expressions against the corpora", statement, printed <= annotated, where)


def _by_number(known: Mapping[str, object]) -> str:
    """`255 (table of 2014, table of 2019) and 247 (article of 2014)`."""
    numbers = dict.fromkeys(known.values())
    return listed([f"{n} ({', '.join(name for name, count in known.items() if count == n)})" for n in numbers])


def _classes(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """By the rule of the composite if the paper has one, else by the emotions of the corpus itself."""
    by_rule = bool(composites(facts))
    for corpus, counts in facts.get("class_counts", {}).items():
        if by_rule:
            if not (known := documented["class_counts"].get(corpus)):
                continue
            statement = (
                f"{corpus}: printed {row(counts)}; the MEGC 2019 rule applied to their tables gives {row(known)}."
            )
            holds = dict(counts) == dict(known)
        else:
            releases = {
                name: {emotion: by_emotion[emotion] for emotion in counts}
                for name, by_emotion in documented["emotions"].get(corpus, {}).items()
                if set(counts) <= set(by_emotion)
            }
            if not releases:
                continue
            name, known = next((item for item in releases.items() if item[1] == counts), next(iter(releases.items())))
            statement = f"{corpus}: printed {row(counts)}; the distributed corpus ({name}) has {row(known)}"
            rule = facts.get("dropped", {}).get(corpus)
            above = {name: n for name, n in counts.items() if n > known[name]}
            statement += f" before {rule}" if rule else ""
            statement += f"; the printed {row(above)} is higher." if above else "."
            holds = not above if rule else dict(counts) == dict(known)
        yield by_documents("Class counts against the corpora", statement, holds, source(facts, "class_counts"))


# ---------------------------------------------------------------- emotions


def emotions(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """`emotions` (corpus to emotion to clips) against `sequences` and the corpora's tables, release by release.

    `named_emotions` (corpus to emotions, without counts) against `sequences`, and `emotion_numbers` (corpus to the
    number of emotions) against those named and those of the corpora; the class for the rest may be counted or not.
    """
    for corpus, counts in facts.get("emotions", {}).items():
        total, printed = sum(counts.values()), facts["sequences"][corpus]
        statement = f"{corpus}: {row(counts)} are {total} clips, printed {printed}."
        yield by_arithmetic("Emotions add up", statement, total == printed, source(facts, "emotions"))
        releases = documented["emotions"].get(corpus, {})
        if releases:
            same = [name for name, known in releases.items() if dict(known) == dict(counts)]
            first = next(iter(releases))
            statement = f"{corpus}: printed {row(counts)}"
            statement += f", as in the {listed(same)}." if same else f"; the {first} has {row(releases[first])}."
            yield by_documents("Emotions against the corpora", statement, bool(same), source(facts, "emotions"))
    for corpus, names in facts.get("named_emotions", {}).items():
        held = {
            release: sum(known.get(name, 0) for name in names)
            for release, known in documented["emotions"].get(corpus, {}).items()
        }
        if held and corpus in facts.get("sequences", {}):
            printed, whole = facts["sequences"][corpus], _undivided(documented, corpus)
            statement = f"{corpus}: the {len(names)} named emotions have {_by_number(held)}, printed {printed}"
            statement += f"; all emotions have {_by_number(whole)}." if whole else "."
            where, holds = source(facts, "named_emotions"), printed in (*held.values(), *whole.values())
            yield by_documents("Clips of the named emotions", statement, holds, where)
    for corpus, number in facts.get("emotion_numbers", {}).items():
        yield _kinds(facts, documented, corpus, number)


def _undivided(documented: Mapping[str, Any], corpus: str) -> dict[str, int]:
    """Published numbers of clips of the corpus that are not divided by emotion, by source."""
    divided = documented["emotions"].get(corpus, {})
    return {name: n for name, n in documented["clips"].get(corpus, {}).items() if name not in divided}


def _kinds(facts: Mapping[str, Any], documented: Mapping[str, Any], corpus: str, number: int) -> Finding:
    """The printed number of emotions compared with those named and those documented."""
    groups = facts.get("regrouped", {}).get(corpus, {}) if "class_counts" not in facts else {}
    named = facts.get("named_emotions", {}).get(corpus) or list(facts.get("emotions", {}).get(corpus, ()))
    named = named or [emotion for group in groups.values() for emotion in group]
    known = {release: list(names) for release, names in documented["emotion_names"].get(corpus, {}).items()}
    terms = [f"{_counted(named)} named"] if named else []
    kinds = {release: _counted(names) for release, names in known.items()}
    for kind in dict.fromkeys(kinds.values()):
        terms.append(f"{kind} in the {listed([release for release, other in kinds.items() if other == kind])}")
    statement = f"{corpus}: printed {number} emotions; there are {listed(terms)}."
    holds = (not named or _may_be(number, named)) and (
        not known or any(_may_be(number, names) for names in known.values())
    )
    return by_documents("Numbers of emotions", statement, holds, source(facts, "emotion_numbers"))


def _may_be(number: int, names: Sequence[str]) -> bool:
    """Whether this is the number of emotions, with or without the class for the rest."""
    return number in (len(names), sum(name not in REST for name in names))


def _counted(names: Sequence[str]) -> str:
    """`3`, or `7 (6 without others)`."""
    rest = next((name for name in names if name in REST), "")
    return f"{len(names)} ({sum(name not in REST for name in names)} without {rest})" if rest else f"{len(names)}"


def regrouped(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """`regrouped` (corpus to class to emotions): the clips of the classes as the paper defines them.

    From the emotions' printed counts, else from every release of the corpus' table; against the printed class counts,
    or the printed `sequences` if the paper prints no classes. If it has a composite, the rule may have dropped some
    clips; and the count may include clips that are not divided by emotion.
    """
    for corpus, classes in facts.get("regrouped", {}).items():
        own = facts.get("emotions", {}).get(corpus)
        printed = facts.get("class_counts", {}).get(corpus)
        clips = facts.get("sequences", {}).get(corpus)
        releases = {source(facts, "emotions"): own} if own else documented["emotions"].get(corpus, {})
        terms, holds = [], False
        for release, by_emotion in releases.items():
            counts = class_counts(classes, by_emotion)
            holds |= counts == dict(printed) if printed else sum(counts.values()) == clips
            terms.append(f"{row(counts)}, {sum(counts.values())} in all ({release})")
        if not terms:
            continue
        statement = f"{corpus}: the classes have {'; '.join(terms)}; printed {row(printed) if printed else clips}"
        statement += "" if printed else " clips"
        by_rule = documented["class_counts"].get(corpus) if composites(facts) else None
        drops = all(counts[name] >= n for name, n in printed.items()) if printed else False
        if not holds and drops and printed == by_rule:
            holds, statement = True, f"{statement}, which is what the MEGC 2019 rule leaves"
        elif not holds and not printed and clips in (whole := _undivided(documented, corpus)).values():
            holds, statement = True, f"{statement}; all emotions have {_by_number(whole)}"
        check = by_arithmetic if own else by_documents
        yield check("Clips of the regrouped classes", f"{statement}.", holds, source(facts, "regrouped"))


def class_counts(classes: Mapping[str, list[str]], by_emotion: Mapping[str, int]) -> dict[str, int]:
    """Clips per class from clips per emotion."""
    return {name: sum(by_emotion.get(emotion, 0) for emotion in group) for name, group in classes.items()}


def tested_counts(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[tuple[str, str, list[int]]]:
    """Clips per class of what is tested: (corpus or joined set, what is counted, clips).

    The printed validation clips if there are any, else the printed classes, including the `joined` sets of corpora; if
    a paper prints none, its regrouped classes, one row per release of the corpus' table.
    """
    counts = facts.get("class_counts", {})
    for name, parts in ({corpus: [corpus] for corpus in counts} | facts.get("joined", {})).items():
        if split := facts.get("split_counts", {}).get(name):
            yield name, "validation clips", [held_out for label, (_, held_out) in split.items() if label != "total"]
        else:
            # classes of different corpora have the same order, whatever their names
            rows = [list(counts[part].values()) for part in parts]
            yield name, "clips", [sum(column) for column in zip(*rows, strict=True)]
    for corpus, classes in facts.get("regrouped", {}).items() if not counts else ():
        for release, by_emotion in documented["emotions"].get(corpus, {}).items():
            yield corpus, f"clips of the {release}", list(class_counts(classes, by_emotion).values())
