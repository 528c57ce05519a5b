"""Every common ground: its classes and counts against the tables of the corpora, and its experiments of every paper."""

from __future__ import annotations

from collections import Counter

import pytest

import papers
from common import corpora
from common.corpora import composite
from common.corpora.grounds import DEFAULT, GROUNDS, Ground
from common.corpora.tables import Documented
from common.errors import UserError
from common.profiles import on_ground
from common.protocols.splits import KNOWN
from common.runs import selection
from common.runs.manifest import plan_file
from common.types import Clip, Corpus
from papers.aouayeb2019.preprocess import REGIONS, TAKES_PART, takes_part

each_ground = pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
KNOWN_CLIPS = {"casme2/sub04/EP12_01f": "disgust", "casme2/sub05/EP09_05f": "repression"}
MOVED = ("casme2/sub24/EP07_01", "casme2/sub24/EP07_04f", "casme2/sub24/EP10_03")


def as_documented(corpus: str, table: Documented, root: object) -> Corpus:
    """A corpus without files that has the documented clips of each emotion, and the clips that rules name."""
    named = KNOWN_CLIPS | dict.fromkeys(MOVED, "surprise" if "2019" in table.source else "sadness")
    named = {clip: emotion for clip, emotion in named.items() if clip.startswith(corpus)}
    left = Counter(table.by_emotion) - Counter(named.values())
    named |= {f"{corpus}/s1/{emotion}{n}": emotion for emotion in left for n in range(left[emotion])}
    clips = tuple(
        Clip(*clip.split("/"), (), (), 0, None, 0, 100.0, emotion)  # type: ignore[arg-type]
        for clip, emotion in named.items()
    )
    return Corpus(corpus, corpus, "", root, "", "", clips)  # type: ignore[arg-type]


@each_ground
def test_documented_clips_of_any_release_have_the_documented_classes(ground: Ground) -> None:
    assert ground.protocol in KNOWN
    assert ground.counts is None or set(ground.counts) == set(ground.corpora)
    for corpus in ground.corpora:
        for table in (table for table in corpora.source(corpus).documented if table.by_emotion):
            chosen = composite.select([as_documented(corpus, table, None)], ground.labels)
            assert not any(clip.fault for clip in chosen.dropped), "an emotion without a place in the label map"
            found = Counter(ground.labels.classes[label] for _, label in chosen.clips)
            assert len(chosen.clips) + len(chosen.dropped) == table.clips
            assert set(found) == set(ground.labels.classes)
            assert ground.counts is None or found == ground.counts[corpus]


@each_ground
@pytest.mark.parametrize("key", papers.available())
def test_every_network_of_every_paper_is_on_every_ground(key: str, ground: Ground) -> None:
    own = papers.load(key)
    paper = on_ground(own, ground)
    there = selection.select(
        paper, (), tune=False, with_controls=False, several=False, profile=own.profiles["smoke"], stand_ins=True
    )
    origin = {e.network: e for e in own.experiments if e.common_ground}
    assert [e.network for e in there] == list(origin)
    for e in there:
        assert (set(e.corpora), e.labels, e.protocol) == (set(ground.corpora), ground.labels, ground.protocol)
        assert (e.selection, e.leak_free, e.settings) == ("last epoch", True, origin[e.network].settings)
        assert (e.id == origin[e.network].id) == (ground is DEFAULT)
    tuned = {e.network for e in paper.experiments if e.space}
    assert tuned == {
        e.network for e in own.experiments for o in origin.values() if (e.name, e.tuned_of) == (o.name, o.variant)
    }
    assert ground is not DEFAULT or all(e in own.experiments for e in paper.experiments)


def test_an_experiment_is_chosen_among_those_on_the_ground(tmp_path: object) -> None:
    paper = papers.load("le2020")
    moved = on_ground(paper, GROUNDS["casme2-5"])
    selection.check_names([moved], ["vgg19-casme2-5", "vgg19-casme2-5/loso+no-motion"])
    for restricted, name in ((moved, "vgg19-composite"), (on_ground(paper, DEFAULT), "vgg19-casme2/published")):
        with pytest.raises(UserError, match=name):
            selection.check_names([restricted], [name])


def test_plans_of_grounds_do_not_replace_one_another(tmp_path: object) -> None:
    paper = papers.load("le2020")
    every = [paper, *(on_ground(paper, ground) for ground in GROUNDS.values())]
    files = {plan_file(tmp_path, one, paper.profiles["smoke"], "stand-in", 0) for one in every}  # type: ignore[arg-type]
    assert len(files) == len(every)


@pytest.mark.parametrize("by_class", TAKES_PART.values(), ids=TAKES_PART)
def test_regions_of_a_class_are_those_of_the_table_or_of_its_action_units(by_class: dict[str, tuple[str, ...]]) -> None:
    def parts(name: str) -> set[str]:
        return {region for region in REGIONS if takes_part(region, name, by_class)}

    for name in composite.MEGC2019.classes:
        assert parts(name) == {region for region, classes in by_class.items() if name in classes}
    assert parts("happiness") == set(REGIONS) - {"nose"}  # raised cheeks narrow the eyes
    assert parts("disgust") == {"nose", "mouth"}
    assert parts("others") == parts("other") == set(REGIONS)
    for ground in GROUNDS.values():
        assert all("mouth" in parts(name) for name in ground.labels.classes)
