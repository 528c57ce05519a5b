"""Tables of what was read of the corpora, and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from common.report.formatting import count, listing, many
from common.types import CorpusSummary, Correction, Exclusion

_CLIPS_SHOWN = 24

_CORRECTIONS_SHOWN = 30


def corpus_rows(corpora: Sequence[CorpusSummary]) -> list[dict[str, str]]:
    """Return one row per corpus: what was read of it, regardless of its classes."""
    return [
        {
            "title": c.title,
            "citation": c.citation,
            "tree": c.tree,
            "table": c.table,
            "clips": count(c.clips),
            "subjects": count(c.subjects),
            "counts": f"{many(c.clips, 'clip')}, {many(c.subjects, 'subject')}",
            "emotions": listing(c.by_emotion),
        }
        for c in {c.name: c for c in corpora}.values()
    ]


def class_tables(corpora: Sequence[CorpusSummary]) -> list[dict[str, Any]]:
    """Return a `class_table` for each set of classes."""
    groups: dict[tuple[str, ...], list[CorpusSummary]] = {}
    for c in corpora:
        groups.setdefault(tuple(c.by_class), []).append(c)
    return [class_table(group) for group in groups.values()]


def class_table(corpora: Sequence[CorpusSummary]) -> dict[str, Any]:
    """Return clips per class and corpus as used, with sums; a class that a corpus does not have is a dash."""
    classes = list(dict.fromkeys(name for c in corpora for name in c.by_class))
    rows = [[c.title, *(count(c.by_class.get(k)) for k in classes), count(sum(c.by_class.values()))] for c in corpora]
    if len(corpora) > 1:
        sums = [sum(c.by_class.get(k, 0) for c in corpora) for k in classes]
        rows.append(["All", *(count(n) for n in sums), count(sum(sums))])
    return {"classes": classes, "rows": rows, "total": len(corpora) > 1}


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
