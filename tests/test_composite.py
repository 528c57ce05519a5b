"""The MEGC 2019 composite: its published counts from either table, and the official list file."""

import re
from collections import Counter
from pathlib import Path

import pytest
import trees_on_disk as disk

from common import corpora
from common.corpora import check, composite
from common.corpora.composite import MEGC2019
from common.errors import ClipError, UserError
from common.types import Clip, Corpus

PUBLISHED = {  # negative, positive, surprise, subjects
    "smic": (70, 51, 43, 16),
    "casme2": (88, 32, 25, 24),
    "samm": (92, 26, 15, 28),
}


@pytest.fixture(scope="module", params=[2014, 2019])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(f"data{request.param}")
    disk.write_casme2(root / "CASME2", year=request.param)
    disk.write_smic(root / "SMIC")
    disk.write_samm(root / "SAMM")
    return root


@pytest.fixture(scope="module")
def loaded(data: Path) -> list[Corpus]:
    return [corpora.load(name, root) for name, root in corpora.find(data).items()]


def one(corpus: str, subject: str, name: str, emotion: str) -> Clip:
    return Clip(corpus, subject, name, (), (), 1, None, 2, 100.0, emotion)


def test_published_counts(loaded: list[Corpus]) -> None:
    selection = composite.select(loaded, MEGC2019)
    assert Counter(k for _, k in selection.clips) == {0: 250, 1: 109, 2: 83}
    assert len({clip.subject_id for clip, _ in selection.clips}) == 68
    for name, (*classes, subjects) in PUBLISHED.items():
        here = [(clip, k) for clip, k in selection.clips if clip.corpus == name]
        assert [sum(k == i for _, k in here) for i in range(3)] == classes
        assert len({clip.subject for clip, _ in here}) == subjects
    assert len(selection.dropped) == 255 + 164 + 159 - 442
    assert not any(drop.fault for drop in selection.dropped)
    assert selection.differences == ()


def test_clips_that_the_challenge_left_out(loaded: list[Corpus]) -> None:
    dropped = {drop.clip: drop.reason for drop in composite.select(loaded, MEGC2019).dropped}
    for key in ("casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f"):
        assert "no usable apex" in dropped[key]
    for name in ("EP07_01", "EP07_04f", "EP10_03"):
        assert "sadness" in dropped[f"casme2/sub24/{name}"]


def test_order_is_natural_and_independent_of_the_input(loaded: list[Corpus]) -> None:
    forward, backward = composite.select(loaded, MEGC2019), composite.select(loaded[::-1], MEGC2019)
    assert forward == backward
    smic = [clip.subject for clip, _ in forward.clips if clip.corpus == "smic"]
    assert list(dict.fromkeys(smic))[:8] == ["s1", "s2", "s3", "s4", "s5", "s6", "s8", "s9"]


def test_label_says_why() -> None:
    assert composite.label(one("samm", "006", "006_1_2", "contempt"), MEGC2019)[0] == "negative"
    why = "other is not one of negative, positive, surprise"
    assert composite.label(one("samm", "006", "006_1_2", "other"), MEGC2019) == (None, why)
    assert composite.label(one("casme2", "sub05", "EP09_05f", "repression"), MEGC2019)[0] is None
    with pytest.raises(ClipError, match=r"'happyiness' .*casme2 .*megc2019"):
        composite.label(one("casme2", "sub01", "EP01", "happyiness"), MEGC2019)


def test_unknown_emotion_is_a_fault() -> None:
    clips = (one("casme2", "sub01", "EP01_01", "happyiness"), one("casme2", "sub01", "EP01_02", "happiness"))
    selection = composite.select([Corpus("casme2", "", "", Path(), "", "", clips)], MEGC2019)
    assert [clip.name for clip, _ in selection.clips] == ["EP01_02"]
    assert [(drop.clip, drop.fault) for drop in selection.dropped] == [("casme2/sub01/EP01_01", True)]


# ---------------------------------------------------------------- the list file


def test_list_in_its_own_spelling_agrees_with_the_rule(loaded: list[Corpus], tmp_path: Path) -> None:
    expected = disk.write_list(tmp_path / "deep" / "combined_3class_gt.csv")
    path = composite.find_megc_list(tmp_path)
    assert path is not None
    listed = composite.read_megc_list(path)
    assert listed == {key: ("negative", "positive", "surprise")[k] for key, k in expected.items()}
    assert len(listed) == 442
    selection = composite.select(loaded, MEGC2019, listed)
    assert selection.differences == ()
    assert {clip.id: k for clip, k in selection.clips} == expected


def test_list_is_honoured_and_differences_are_told(loaded: list[Corpus], tmp_path: Path) -> None:
    disk.write_list(tmp_path / "list.csv")
    listed = composite.read_megc_list(tmp_path / "list.csv")
    listed["smic/s1/s1_ne_01"] = "surprise"
    listed["casme2/sub05/EP09_05f"] = "negative"
    listed["samm/099/099_1_1"] = "negative"
    del listed["samm/032/032_3_1"]
    selection = composite.select(loaded, MEGC2019, listed)
    classes = {clip.id: k for clip, k in selection.clips}
    assert (classes["smic/s1/s1_ne_01"], classes["casme2/sub05/EP09_05f"]) == (2, 0)
    assert "samm/032/032_3_1" not in classes
    assert [drop.reason for drop in selection.dropped if drop.clip == "samm/032/032_3_1"] == ["not in the list file"]
    assert selection.differences == (
        "casme2/sub05/EP09_05f: dropped by the rule, negative in the list",
        "samm/032/032_3_1: negative by the rule, absent in the list",
        "smic/s1/s1_ne_01: negative by the rule, surprise in the list",
        "samm/099/099_1_1: in the list, but not among the clips read",
    )


def test_list_of_a_corpus_that_is_not_read_is_no_difference(loaded: list[Corpus], tmp_path: Path) -> None:
    disk.write_list(tmp_path / "list.csv")
    smic = [corpus for corpus in loaded if corpus.name == "smic"]
    selection = composite.select(smic, MEGC2019, composite.read_megc_list(tmp_path / "list.csv"))
    assert (len(selection.clips), selection.differences) == (164, ())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the list is empty"),
        (b"casme2,sub01,EP02_01f,1\nmmew,1,x,0\n", "line 2 is not corpus"),
        (b"casme2,sub01,EP02_01f,3\n", "line 1 is not corpus"),
        (b"casme2,sub01,EP02_01f\n", "line 1 is not corpus"),
        (b"smic,s01,s01_ne_01,0\nsmic,1,s1_ne_01,1\n", "line 2 gives smic/s1/s1_ne_01 a second class"),
        (b"\xff\xfe\x00c", "cannot be read"),
    ],
)
def test_unreadable_list_is_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "combined_3class_gt.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=complaint) as error:
        composite.read_megc_list(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_check_gives_the_composite(data: Path) -> None:
    checked = check.check(data)["composites"]["megc2019"]
    assert (checked["clips"], checked["subjects"]) == (442, 68)
    assert checked["by_class"] == {"negative": 250, "positive": 109, "surprise": 83}
    assert checked["documented"]["agrees"]
    assert len(checked["ids"]) == len({tuple(row) for row in checked["ids"]}) == 442
    assert ["smic", "s1", "s1_ne_01", "negative"] in checked["ids"]
    assert sum(checked["dropped"].values()) == 136
    assert checked["list"] is None


def test_check_honours_a_list_beside_the_corpora(data: Path) -> None:
    path = data / "combined_3class_gt.csv"
    disk.write_list(path)
    try:
        path.write_text(path.read_text().replace("smic,s01,s01_ne_01,0", "smic,s01,s01_ne_01,1"))
        checked = check.check(data)["composites"]["megc2019"]
        assert checked["by_class"] == {"negative": 249, "positive": 110, "surprise": 83}
        assert [re.findall(r"smic/\S+\d|negative|positive", line) for line in checked["differences"]] == [
            ["smic/s1/s1_ne_01", "negative", "positive"]
        ]
        path.write_text("nonsense")
        broken = check.check(data)["composites"]["megc2019"]
        assert (broken["clips"], "line 1" in broken["error"]) == (442, True)
    finally:
        path.unlink()


def test_a_composite_that_is_not_whole_says_which_clips_it_lacks() -> None:
    whole = [f"{corpus}/s/{n}" for corpus, row in composite.DOCUMENTED.items() for n in range(row["clips"])]
    assert composite.shortfall(whole) == ""
    without_smic = [clip for clip in whole if not clip.startswith("smic")]
    assert (
        composite.shortfall(without_smic[1:])
        == "277 of the 442 clips of the composite: casme2 144 of 145, smic 0 of 164"
    )
