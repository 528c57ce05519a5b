"""Published numbers of the corpora themselves, for comparison with printed counts."""

from __future__ import annotations

from typing import Any

from common import corpora
from common.corpora import composite
from common.corpora.articles import ARTICLES
from common.scoring import public


def documented() -> dict[str, Any]:
    """The corpora's own numbers, by corpus.

    `class_counts` and `composite_subjects` by the MEGC 2019 rule, the composite among them; `clips`, `subjects`,
    `emotion_names` and, where a release divides its clips by them, `emotions`, each by release of the corpus' table or
    by its article; `micro_expressions` and `frame_rates` (per second) as distributed;
    `predictions` with the figures of public predictions, by method and corpus.
    """
    by_corpus = {name: {c: row[c] for c in composite.MEGC2019.classes} for name, row in composite.DOCUMENTED.items()}
    whole = {c: sum(row[c] for row in by_corpus.values()) for c in composite.MEGC2019.classes}
    subjects = {name: row["subjects"] for name, row in composite.DOCUMENTED.items()}
    releases = {
        name: {" of the ".join(filter(None, (entry.title, entry.source))): entry for entry in source.documented}
        for name, source in corpora.SOURCES.items()
        if source.documented and source.layouts
    }
    known: dict[str, Any] = {
        "class_counts": {**by_corpus, composite.MEGC2019.name: whole},
        "composite_subjects": {**subjects, composite.MEGC2019.name: sum(subjects.values())},
        "clips": {name: {key: entry.clips for key, entry in entries.items()} for name, entries in releases.items()},
        "subjects": {
            name: {key: entry.subjects for key, entry in entries.items()} for name, entries in releases.items()
        },
        "emotions": {
            name: {key: dict(entry.by_emotion) for key, entry in entries.items() if entry.by_emotion}
            for name, entries in releases.items()
        },
        "micro_expressions": {
            name: entry.by_expression["micro"]
            for name, entries in releases.items()
            for entry in entries.values()
            if "micro" in entry.by_expression
        },
        "frame_rates": {name: corpora.source(name).layouts[0].fps for name in releases},
    }
    known["emotion_names"] = {
        name: {key: list(counts) for key, counts in entries.items()} for name, entries in known["emotions"].items()
    }
    for name, article in ARTICLES.items():
        known["clips"][name][article.source] = article.clips
        known["subjects"][name][article.source] = article.subjects
        if article.emotions:
            known["emotion_names"][name][article.source] = list(article.emotions)
    known["predictions"] = public.known_figures()
    return known
