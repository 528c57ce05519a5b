"""Printed counts against the corpora's own tables: clips, participants, frame rates, emotions and classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.audit.basics import composites, listed, row, source
from common.types import Finding

REST = ("others", "other")
"""The emotion that corpora give to what is none of theirs."""


def against_documented(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """Class counts, `sequences`, `participants`, `frame_rates` and `micro_expressions` against the corpora's own.

    `dropped` (corpus to a rule in words) says why a printed count may lie below the corpus' own. Where the paper has a
    composite, participants may be those of the corpus' part of it.
    """
    yield from _classes(facts, documented)
    for topic, ours in (("sequences", "clips"), ("participants", "subjects")):
        for corpus, printed in facts.get(topic, {}).items():
            known = [documented[ours][corpus]] if corpus in documented[ours] else []
            statement = f"{corpus}: printed {printed} {topic}; "
            statement += f"the distributed table has {known[0]}" if known else ""
            within = documented.get("composite_subjects", {}).get(corpus) if composites(facts) else None
            if topic == "participants" and within is not None:
                statement += f"{', ' if known else ''}the MEGC 2019 composite {'' if known else 'has '}{within} of them"
                known.append(within)
            if known:
                topic_of = f"{topic.capitalize()} against the corpora"
                yield Finding(topic_of, f"{statement}.", printed in known, source(facts, topic))
    for corpus, printed in facts.get("frame_rates", {}).items():
        if (rate := documented["frame_rates"].get(corpus)) is not None:
            statement = f"{corpus}: printed {printed} frames per second, distributed at {rate:g}."
            yield Finding("Frame rates against the corpora", statement, printed == rate, source(facts, "frame_rates"))
    for corpus, printed in facts.get("micro_expressions", {}).items():
        if (annotated := documented.get("micro_expressions", {}).get(corpus)) is not None:
            statement = (
                f"{corpus}: printed {printed} videos of micro-expressions; the distributed table annotates {annotated} "
                "micro-expressions."
            )
            where = source(facts, "micro_expressions")
            yield Finding("Micro-expressions against the corpora", statement, printed <= annotated, where)


def _classes(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """By the composite's rule where the paper has one, else by the emotions that the corpus itself distinguishes."""
    by_rule = bool(composites(facts))
    for corpus, counts in facts.get("class_counts", {}).items():
        if by_rule:
            if not (known := documented["class_counts"].get(corpus)):
                continue
            statement = (
                f"{corpus}: printed {row(counts)}; the MEGC 2019 rule on the corpora's tables gives {row(known)}."
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
            name, known = next((one for one in releases.items() if one[1] == counts), next(iter(releases.items())))
            statement = f"{corpus}: printed {row(counts)}; the distributed corpus ({name}) has {row(known)}"
            rule = facts.get("dropped", {}).get(corpus)
            above = {name: n for name, n in counts.items() if n > known[name]}
            statement += f" before {rule}" if rule else ""
            statement += f"; the printed {row(above)} lies above it." if above else "."
            holds = not above if rule else dict(counts) == dict(known)
        yield Finding("Class counts against the corpora", statement, holds, source(facts, "class_counts"))


# ---------------------------------------------------------------- emotions


def emotions(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """`emotions` (corpus to emotion to clips) against `sequences` and the corpora's tables, release by release.

    `named_emotions` (corpus to emotions, without counts) against `sequences`, and `emotion_numbers` (corpus to how many
    kinds) against those named and those of the corpora; a kind for the rest may be counted or not.
    """
    for corpus, counts in facts.get("emotions", {}).items():
        total, printed = sum(counts.values()), facts["sequences"][corpus]
        statement = f"{corpus}: {row(counts)} are {total} clips, printed {printed}."
        yield Finding("Emotions add up", statement, total == printed, source(facts, "emotions"))
        releases = documented["emotions"].get(corpus, {})
        if releases:
            same = [name for name, known in releases.items() if dict(known) == dict(counts)]
            first = next(iter(releases))
            statement = f"{corpus}: printed {row(counts)}; "
            statement += f"so has the {listed(same)}." if same else f"the {first} has {row(releases[first])}."
            yield Finding("Emotions against the corpora", statement, bool(same), source(facts, "emotions"))
    for corpus, names in facts.get("named_emotions", {}).items():
        held = {
            release: sum(known.get(name, 0) for name in names)
            for release, known in documented["emotions"].get(corpus, {}).items()
        }
        if held and corpus in facts.get("sequences", {}):
            printed = facts["sequences"][corpus]
            terms = [f"{n} clips ({release})" for release, n in held.items()]
            statement = f"{corpus}: the {len(names)} emotions named hold {listed(terms)}, printed {printed}."
            where = source(facts, "named_emotions")
            yield Finding("Clips of the named emotions", statement, printed in held.values(), where)
    for corpus, number in facts.get("emotion_numbers", {}).items():
        yield _kinds(facts, documented, corpus, number)


def _kinds(facts: Mapping[str, Any], documented: Mapping[str, Any], corpus: str, number: int) -> Finding:
    """How many emotions there are, said against named and against annotated."""
    groups = facts.get("regrouped", {}).get(corpus, {}) if "class_counts" not in facts else {}
    named = facts.get("named_emotions", {}).get(corpus) or list(facts.get("emotions", {}).get(corpus, ()))
    named = named or [emotion for group in groups.values() for emotion in group]
    releases = documented["emotions"].get(corpus, {}).values()
    sets = {"named": named, "in the distributed table": list(next(iter(releases), {}))}
    terms, holds = [], True
    for what, kinds in sets.items():
        if kinds:
            proper = [kind for kind in kinds if kind not in REST]
            without = f" ({len(proper)} without {next(k for k in kinds if k in REST)})" if proper != kinds else ""
            terms.append(f"{len(kinds)}{without} {what}")
            holds &= number in (len(kinds), len(proper))
    statement = f"{corpus}: printed {number} emotions; there are {listed(terms)}."
    return Finding("Numbers of emotions", statement, holds, source(facts, "emotion_numbers"))


def regrouped(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """`regrouped` (corpus to class to emotions): what the classes hold by the paper's own words.

    From the emotions' printed counts, else from every release of the corpus' table; against the printed class counts,
    or the printed `sequences` where the paper prints no classes.
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
        statement = f"{corpus}: the classes hold {'; '.join(terms)}; printed {row(printed) if printed else clips}"
        statement += "." if printed else " clips."
        yield Finding("Clips of the regrouped classes", statement, holds, source(facts, "regrouped"))


def class_counts(classes: Mapping[str, list[str]], by_emotion: Mapping[str, int]) -> dict[str, int]:
    """Clips per class from clips per emotion."""
    return {name: sum(by_emotion.get(emotion, 0) for emotion in group) for name, group in classes.items()}


def tested_counts(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[tuple[str, str, list[int]]]:
    """Clips per class of what is tested: (corpus or joined set, what is counted, clips).

    The printed validation clips where there are some, else the printed classes, the `joined` sets of corpora among
    them; where a paper prints none, its regrouped classes, one row per release of the corpus' table.
    """
    counts = facts.get("class_counts", {})
    for name, parts in ({one: [one] for one in counts} | facts.get("joined", {})).items():
        if split := facts.get("split_counts", {}).get(name):
            yield name, "validation clips", [held_out for label, (_, held_out) in split.items() if label != "total"]
        else:
            # classes of different corpora have the same place, whatever they are called
            rows = [list(counts[part].values()) for part in parts]
            yield name, "clips", [sum(column) for column in zip(*rows, strict=True)]
    for corpus, classes in facts.get("regrouped", {}).items() if not counts else ():
        for release, by_emotion in documented["emotions"].get(corpus, {}).items():
            yield corpus, f"clips of the {release}", list(class_counts(classes, by_emotion).values())
