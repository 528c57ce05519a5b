"""Tables of what was read of the corpora, and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from common.report.formatting import count, listing
from common.report.reliability_tables import table
from common.types import CorpusSummary, Correction, Exclusion

_CLIPS_SHOWN = 24

_CORRECTIONS_SHOWN = 30


def corpora(summaries: Sequence[CorpusSummary]) -> list[dict[str, Any]]:
    """Return tables of the corpora as found, and of the clips per class as used, one for each set of classes."""
    rows = [
        [
            c.title,
            f"{c.tree}; {c.table}" if c.table else c.tree,
            listing(c.by_emotion),
            count(c.clips),
            count(c.subjects),
        ]
        for c in {c.name: c for c in summaries}.values()
    ]
    groups: dict[tuple[str, ...], list[CorpusSummary]] = {}
    for c in summaries:
        groups.setdefault(tuple(c.by_class), []).append(c)
    found = table("Corpora", "", ["Corpus", "Read from", "Emotions as annotated", "Clips", "Subjects"], rows, 3)
    return [*found, *(class_table(group) for classes, group in groups.items() if classes)]


def class_table(summaries: Sequence[CorpusSummary]) -> dict[str, Any]:
    """Return clips per class and corpus as used, with sums; a class that a corpus does not have is a dash."""
    classes = list(dict.fromkeys(name for c in summaries for name in c.by_class))
    rows = [[c.title, *(count(c.by_class.get(k)) for k in classes), count(sum(c.by_class.values()))] for c in summaries]
    if len(summaries) > 1:
        sums = [sum(c.by_class.get(k, 0) for c in summaries) for k in classes]
        rows.append(["All", *(count(n) for n in sums), count(sum(sums))])
    return table("Clips per class as used", "", ["Corpus", *classes, "Total"], rows)[0]


def exclusion_rows(exclusions: Iterable[Exclusion]) -> list[dict[str, str]]:
    """Group exclusions by reason, faults first; a long list of clips is cut and says how many are left out."""
    by_reason: dict[tuple[bool, str], list[str]] = {}
    for e in exclusions:
        by_reason.setdefault((not e.fault, e.reason), []).append(e.clip)
    return [
        {"kind": "rule" if rule else "fault", "reason": reason, "count": count(len(clips)), "clips": _some(clips)}
        for (rule, reason), clips in sorted(by_reason.items(), key=lambda item: item[0][0])
    ]


def correction_rows(corrections: Sequence[Correction]) -> list[list[str]]:
    """Return (clip, column, printed, used, source) of corrections, grouped by column and source if there are many."""
    if len(corrections) <= _CORRECTIONS_SHOWN:
        return [[c.clip, c.column, c.printed, c.used, c.source] for c in corrections]
    groups: dict[tuple[str, str], list[Correction]] = {}
    for c in corrections:
        groups.setdefault((c.column, c.source), []).append(c)
    return [
        [
            f"{count(len(group))}: {_some([c.clip for c in group])}",
            column,
            group[0].printed if len({c.printed for c in group}) == 1 else "various",
            group[0].used if len({c.used for c in group}) == 1 else "various",
            source,
        ]
        for (column, source), group in groups.items()
    ]


def _some(clips: Sequence[str]) -> str:
    left = len(clips) - _CLIPS_SHOWN
    more = f" and {count(left)} more (all of them in the JSON file)" if left > 0 else ""
    return ", ".join(clips[:_CLIPS_SHOWN]) + more
