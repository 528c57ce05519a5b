"""Counts in the articles that describe the corpora, where these differ from the distributed tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Article:
    """Clips, subjects and emotions of a corpus according to its article; no emotions if they are those of the table."""

    source: str
    clips: int
    subjects: int
    emotions: tuple[str, ...] = ()


ARTICLES: Mapping[str, Article] = {
    # W.-J. Yan et al., CASME II, PLoS ONE 9(1), 2014
    "casme2": Article("article of 2014", 247, 26, ("happiness", "disgust", "surprise", "repression", "others")),
    # A. K. Davison et al., SAMM, IEEE Transactions on Affective Computing 9(1), 2018: everyone who was recorded
    "samm": Article("article of 2018", 159, 32),
}
