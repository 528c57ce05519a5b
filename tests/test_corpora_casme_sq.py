"""CAS(ME)^2 against full-size copies in its four trees, and against copies that are broken in the known ways."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import trees_on_disk as disk
import trees_on_disk_more as more
from trees_on_disk_more import SqClip

from common import corpora
from common.corpora import check, trees
from common.errors import UserError
from common.types import Clip, Corpus, Correction

TREES = ("selectedpic", "cropped", "rawpic", "rawvideo")
CLIP_TREES = ("selectedpic", "cropped")
CLIPS, ERRORS = more.sq_with_errors()
PRINTED = {clip.id: clip for clip in CLIPS}
ONE = SqClip(1, "anger1_1", 557, 566, 557, 560, 566, valence="negative", report="anger")
TWO = SqClip(2, "happy3_2", 30, 39, 30, 34, 39, kind="micro-expression")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy in full for each tree, in a folder of the tree's name."""
    data = tmp_path_factory.mktemp("casme_sq")
    for tree in TREES:
        more.write_casme_sq(data / tree / "CAS(ME)^2", tree, nested=tree in ("cropped", "rawvideo"))
    return data


def load(full: Path, tree: str) -> Corpus:
    root = corpora.find(full / tree)["casme_sq"]
    return corpora.load("casme_sq", root, "cropped" if tree == "cropped" else "raw")


@pytest.fixture(scope="module")
def loaded(full: Path) -> dict[str, Corpus]:
    return {tree: load(full, tree) for tree in TREES}


def copy(root: Path, *clips: SqClip, tree: str = "selectedpic") -> Corpus:
    """A corpus of these clips, for each of which its frames are there as `first` to `last` say."""
    more.write_casme_sq(root, tree, clips=clips)
    return corpora.load("casme_sq", root, "cropped" if tree == "cropped" else "raw")


def with_table(root: Path, sheets: Sequence[Iterable[disk.Cells]], table: str = more.SQ_TABLE) -> Corpus:
    """The corpus below `root` with another table in place of its own."""
    for path in root.glob("*.xlsx"):
        path.unlink()
    more.write_sheets(root / table, sheets)
    return corpora.load("casme_sq", root)


def reasons(corpus: Corpus) -> dict[str, str]:
    by_clip = {exclusion.clip: exclusion.reason for exclusion in corpus.exclusions}
    assert len(by_clip) == len(corpus.exclusions)
    assert all(reason and "\n" not in reason for reason in by_clip.values())
    return by_clip


def notes(corpus: Corpus, clip: str) -> list[Correction]:
    return [note for note in corpus.corrections if note.clip == clip]


def clips_of(corpus: Corpus) -> dict[str, Clip]:
    return {clip.id: clip for clip in corpus.clips}


# ---------------------------------------------------------------- in full


@pytest.mark.parametrize("tree", TREES)
def test_in_full(loaded: dict[str, Corpus], tree: str) -> None:
    corpus = loaded[tree]
    assert (corpus.name, corpus.tree, corpus.table) == ("casme_sq", tree, more.SQ_TABLE)
    excluded = [] if tree in CLIP_TREES else ERRORS["onset after offset"]
    assert sorted(reasons(corpus)) == sorted(excluded)
    clips = clips_of(corpus)
    assert set(clips) == set(PRINTED) - set(excluded)
    lost = Counter(key.split("/")[2][:5] for key in excluded)
    assert Counter(clip.emotion for clip in clips.values()) == {
        "happy": 167 - lost["happy"],
        "anger": 102 - lost["anger"],
        "disgust": 88 - lost["disgu"],
    }
    assert Counter(clip.expression for clip in clips.values()) == {"macro": 300 - len(excluded), "micro": 57}
    micro = [clip for clip in clips.values() if clip.expression == "micro"]
    assert Counter(clip.valence for clip in micro) == {"negative": 21, "others": 19, "surprise": 9, "positive": 8}
    assert len({clip.subject for clip in micro}) == 14
    assert {clip.subject for clip in clips.values()} == {f"s{number}" for number in more.SQ_PEOPLE}
    assert [clip.id for clip in corpus.clips] == sorted(clips, key=trees.natural)
    for clip in clips.values():
        printed = PRINTED[clip.id]
        assert clip.fps == 30
        assert clip.emotion == clip.name.rstrip("_0123456789")
        assert clip.valence == str(printed.valence).strip().lower()
        assert clip.action_units in (str(printed.action_units), "")
        assert clip.numbers == tuple(range(clip.onset, clip.offset + 1))
        assert clip.apex is None or clip.onset <= clip.apex <= clip.offset


@pytest.mark.parametrize("tree", TREES)
def test_every_frame_is_where_the_tree_keeps_it(full: Path, loaded: dict[str, Corpus], tree: str) -> None:
    for clip in loaded[tree].clips:
        printed, top = PRINTED[clip.id], full / tree / "CAS(ME)^2" / tree
        if tree in ("cropped", "rawvideo"):
            top = top / tree
        person = top / (clip.subject.removeprefix("s") if tree == "cropped" else clip.subject)
        if tree == "rawvideo":
            wanted = [person / f"{printed.recording}.avi"] * len(clip.numbers)
        elif tree == "rawpic":
            wanted = [person / printed.recording / f"img{n:03d}.jpg" for n in clip.numbers]
        else:
            wanted = [person / clip.name / f"img{n}.jpg{'.jpg' * (n == 2977)}" for n in clip.numbers]
        assert list(clip.frames) == wanted
        assert len(clip.files) == (1 if tree == "rawvideo" else len(clip.numbers))


@pytest.mark.parametrize("tree", TREES)
def test_documented_errors_are_read_as_agreed_and_told(loaded: dict[str, Corpus], tree: str) -> None:
    corpus = loaded[tree]
    clips = clips_of(corpus)
    assert len(ERRORS["offset 0"]) == 44
    for key in ERRORS["offset 0"]:
        printed, clip = PRINTED[key], clips[key]
        used = printed.last if tree in CLIP_TREES else printed.apex
        assert (clip.onset, clip.apex, clip.offset) == (printed.first, printed.apex, used)
        (note,) = notes(corpus, key)
        assert (note.printed, note.used) == ("0", str(used))
    for error in ("apex 0", "apex before onset", "apex after offset"):
        (key,) = ERRORS[error]
        printed, clip = PRINTED[key], clips[key]
        assert (clip.onset, clip.apex, clip.offset) == (printed.first, None, printed.last)
        (note,) = notes(corpus, key)
        assert note.printed == str(printed.apex)
        assert note.used != note.printed
    (key,) = ERRORS["onset after offset"]
    if tree in CLIP_TREES:
        printed, clip = PRINTED[key], clips[key]
        assert (clip.onset, clip.apex, clip.offset) == (printed.first, printed.apex, printed.last)
        assert str(printed.onset) in {note.printed for note in notes(corpus, key)}
    else:
        assert key not in clips
    (key,) = ERRORS["report"]
    report, told = clips[key].self_report, [note.used for note in notes(corpus, key) if note.printed == "happyiness"]
    assert report == "happyiness" or told == [report] == ["happiness"]
    named = {key for keys in ERRORS.values() for key in keys}
    assert {note.clip for note in corpus.corrections} <= named


def test_what_is_coded_does_not_depend_on_the_tree(loaded: dict[str, Corpus]) -> None:
    def coded(tree: str) -> dict[str, tuple[str, ...]]:
        return {
            clip.id: (clip.emotion, clip.expression, clip.valence, clip.self_report, clip.action_units)
            for clip in loaded[tree].clips
            if clip.id not in ERRORS["onset after offset"]
        }

    assert coded("selectedpic") == coded("cropped") == coded("rawpic") == coded("rawvideo")


def test_raw_prefers_clips_to_pictures_to_videos(tmp_path: Path) -> None:
    for tree in TREES[::-1]:
        more.write_casme_sq(tmp_path, tree, clips=[ONE])
        wanted = {"cropped": "cropped"}.get(tree, tree)
        raw = corpora.load("casme_sq", tmp_path).tree
        assert raw == ("rawpic" if tree == "cropped" else wanted)
    assert corpora.load("casme_sq", tmp_path).tree == "selectedpic"
    assert corpora.load("casme_sq", tmp_path, "cropped").tree == "cropped"
    shutil.rmtree(tmp_path / "cropped")
    assert corpora.load("casme_sq", tmp_path, "cropped").tree == "selectedpic"


def test_find_gives_the_folder_of_table_and_trees(full: Path, tmp_path: Path) -> None:
    for tree in TREES:
        assert corpora.find(full / tree) == {"casme_sq": full / tree / "CAS(ME)^2"}
    disk.write_casme2(tmp_path / "CASME2", disk.casme2_rows()[:5], tree="Cropped")
    more.write_casme_sq(tmp_path / "CASME(2)", "cropped", clips=[ONE])
    disk.write_samm(tmp_path / "SAMM", disk.samm_rows()[:5])
    roots = corpora.find(tmp_path)
    assert roots == {
        name: tmp_path / {"casme2": "CASME2", "samm": "SAMM", "casme_sq": "CASME(2)"}[name] for name in roots
    }
    assert set(roots) == {"casme2", "samm", "casme_sq"}
    assert {name: len(corpora.load(name, root).clips) for name, root in roots.items()} == {
        "casme2": 5,
        "samm": 5,
        "casme_sq": 1,
    }
    assert corpora.find(tmp_path, ("casme_sq",)) == {"casme_sq": tmp_path / "CASME(2)"}


def test_check_tells_of_all_rows(full: Path) -> None:
    checked = check.check(full / "selectedpic")["corpora"]["casme_sq"]
    assert (checked["clips"], checked["subjects"], checked["error"]) == (357, 22, None)
    assert checked["by_emotion"] == {"happy": 167, "anger": 102, "disgust": 88}
    assert checked["documented"]["agrees"]
    assert len(checked["corrections"]) >= 48


def test_order_of_directory_entries_does_not_matter(
    full: Path, loaded: dict[str, Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = trees._listing

    def shuffled(folder: Path) -> tuple[list[str], list[str]]:
        folders, files = listing(folder)
        return random.Random(7).sample(folders, len(folders)), random.Random(8).sample(files, len(files))

    monkeypatch.setattr(trees, "_listing", shuffled)
    assert {tree: load(full, tree) for tree in ("cropped", "rawpic")} == {
        tree: loaded[tree] for tree in ("cropped", "rawpic")
    }


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("table", ["CAS(ME)^2code_final.xlsx", "CAS(ME)^2code_final(Updated).xlsx"])
@pytest.mark.parametrize("name", ["CAS(ME)^2", "CASME2_2", "Daten für 微表情 (neu)"])
def test_names_of_table_and_folder(tmp_path: Path, table: str, name: str) -> None:
    root = more.write_casme_sq(tmp_path / name, "selectedpic", clips=[ONE, TWO])
    (root / more.SQ_TABLE).rename(root / table)
    roots = corpora.find(tmp_path)
    assert roots["casme_sq"] == root
    corpus = corpora.load("casme_sq", root)
    assert (corpus.table, [clip.id for clip in corpus.clips]) == (table, [ONE.id, TWO.id])


@pytest.mark.parametrize("tree", TREES)
def test_cells_lose_their_quirks(tmp_path: Path, tree: str) -> None:
    more.write_casme_sq(tmp_path, tree, clips=[ONE, TWO])
    rows: list[disk.Cells] = [
        ["1 ", "anger1_1 ", 557.0, "560", " 566 ", 12, "Negative  ", "Macro-expression ", " ANGER"],
        [2.0, " happy3_2", "30", 34, "39", None, "POSITIVE", "micro-expression", None, None, "a note"],
        [None] * 9,
    ]
    people: list[disk.Cells] = [["15", "S15 ", "1"], [16.0, "s16", 2.0], [], *more.sq_people()[2:]]
    codes: list[disk.Cells] = [[101, "disgust1"], ["401 ", "Anger1 "], [505.0, "happy3"], [None, None]]
    kind = "cropped" if tree == "cropped" else "raw"
    more.write_sheets(tmp_path / more.SQ_TABLE, [rows, people, codes])
    corpus = corpora.load("casme_sq", tmp_path, kind)
    assert reasons(corpus) == {}
    first, second = corpus.clips
    assert (first.id, first.onset, first.apex, first.offset) == (ONE.id, 557, 560, 566)
    assert (first.valence, first.expression, first.self_report, first.action_units) == (
        "negative",
        "macro",
        "anger",
        "12",
    )
    assert (second.id, second.valence, second.expression, second.self_report) == (TWO.id, "positive", "micro", "")


@pytest.mark.parametrize("tree", ["rawpic", "rawvideo"])
def test_codes_may_be_numbers(tmp_path: Path, tree: str) -> None:
    clips = [clip for clip in more.sq_clips() if clip.participant < 3]
    before = copy(tmp_path, *clips, tree=tree)
    assert len(before.clips) == len(clips)
    after = with_table(tmp_path, [[clip.row for clip in clips], more.sq_people(), more.sq_codes(as_int=True)])
    assert after == before


def test_sheets_go_by_position_not_by_name(tmp_path: Path) -> None:
    before = copy(tmp_path, ONE, TWO)
    after = with_table(tmp_path, [[ONE.row, TWO.row], more.sq_people(), more.sq_codes(), [["naming rule", "s99", 1]]])
    assert after == before


def test_tables_that_cannot_serve_are_one_line(tmp_path: Path) -> None:
    copy(tmp_path, ONE)
    unfit: list[list[list[disk.Cells]]] = [[[ONE.row]], [[], [], []], [[["", ""]]]]
    unfit.append([[*more.sq_people()], [*more.sq_codes()], [ONE.row]])
    for sheets in unfit:
        message = ""
        try:
            corpus = with_table(tmp_path, sheets)
        except UserError as error:
            message = str(error)
        assert more.SQ_TABLE in message or (corpus.clips == () and corpus.exclusions)
        assert "\n" not in message
    for content in (b"", b"no table"):
        (tmp_path / more.SQ_TABLE).write_bytes(content)
        with pytest.raises(UserError, match="code_final") as complaint:
            corpora.load("casme_sq", tmp_path)
        assert "\n" not in str(complaint.value)
    (tmp_path / more.SQ_TABLE).unlink()
    with pytest.raises(UserError, match="no annotation table of casme_sq"):
        corpora.load("casme_sq", tmp_path)


def test_participants_and_stimuli_without_a_rule(tmp_path: Path) -> None:
    stranger, odd = replace(ONE, participant=3), replace(TWO, name="fear1_1")
    for tree in ("selectedpic", "rawpic"):
        root = more.write_casme_sq(tmp_path / tree, tree, clips=[ONE, TWO, stranger])
        people = [row for row in more.sq_people() if row[2] != 3]
        codes = [row for row in more.sq_codes() if row[1] != "happy3"]
        corpus = with_table(root, [[ONE.row, TWO.row, stranger.row, odd.row, [99, *ONE.row[1:]]], people, codes])
        # a tree of clips needs no code; a recording cannot be found without one
        expected = {ONE.id, TWO.id} if tree == "selectedpic" else {ONE.id}
        assert set(clips_of(corpus)) == expected
        assert len(corpus.clips) + len(reasons(corpus)) == 5
        if tree == "rawpic":
            assert TWO.id in reasons(corpus)


@pytest.mark.parametrize("tree", TREES)
def test_no_cell_becomes_a_path(tmp_path: Path, tree: str) -> None:
    bait = tmp_path / "etc"
    disk.touch(bait, ["img557.jpg", "img558.jpg", "passwd.avi", "img559.jpg"])
    root = more.write_casme_sq(tmp_path / "CAS(ME)^2", tree, clips=[ONE])
    evil = ["../../etc", "../../../etc/passwd", "/etc/passwd", str(bait), "..", ".", "anger1_1/../anger1_1", "..\\etc"]
    rows: list[disk.Cells] = [
        ONE.row,
        *([1, name, *ONE.row[2:]] for name in evil),
        *([name, *ONE.row[1:]] for name in evil),
    ]
    people: list[list[object]] = [
        *more.sq_people(),
        ["../../etc", "../../etc", 30],
        [50, "../../etc", 31],
        ["../x", "s50", 32],
    ]
    rows += [[k, *ONE.row[1:]] for k in (30, 31, 32)]
    codes: list[list[object]] = [*more.sq_codes(), ["../../etc", "anger7"], ["*", "anger8"], ["", "anger9"]]
    rows += [[1, f"anger{k}_1", *ONE.row[2:]] for k in (7, 8, 9)]
    more.write_sheets(root / more.SQ_TABLE, [rows, people, codes])
    corpus = corpora.load("casme_sq", root, "cropped" if tree == "cropped" else "raw")
    assert [clip.id for clip in corpus.clips] == [ONE.id]
    assert all(path.is_relative_to(root) and ".." not in path.parts for path in corpus.clips[0].frames)
    assert len(reasons(corpus)) + sum(note.column == "row" for note in corpus.corrections) == len(rows) - 1


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize(
    ("cell", "value"),
    [(0, None), (1, None), (2, None), (2, "soon"), (2, -3), (4, "?"), (4, None), (4, 10**12), (7, None), (7, "video")],
)
def test_a_row_that_cannot_be_read_is_excluded_alone(tmp_path: Path, tree: str, cell: int, value: object) -> None:
    copy(tmp_path, ONE, TWO, tree=tree)
    broken = list(ONE.row)
    broken[cell] = value
    more.write_sq_table(tmp_path / more.SQ_TABLE, [broken, TWO.row])
    corpus = corpora.load("casme_sq", tmp_path, "cropped" if tree == "cropped" else "raw")
    assert [clip.id for clip in corpus.clips] == [TWO.id]
    (key,) = reasons(corpus)
    assert key == ONE.id or cell < 2


def test_a_clip_named_by_no_known_stimulus_says_so(tmp_path: Path) -> None:
    clip = replace(ONE, name="fear1_1")
    disk.touch(tmp_path / "selectedpic" / "s15" / "fear1_1", ["img557.jpg", "img558.jpg", "img559.jpg"])
    copy(tmp_path, TWO)
    more.write_sq_table(tmp_path / more.SQ_TABLE, [clip.row, TWO.row])
    corpus = corpora.load("casme_sq", tmp_path)
    assert [clip.id for clip in corpus.clips] == [TWO.id]
    assert list(reasons(corpus)) == [clip.id]


def test_a_clip_in_two_rows_is_read_once(tmp_path: Path) -> None:
    copy(tmp_path, ONE, TWO)
    more.write_sq_table(tmp_path / more.SQ_TABLE, [ONE.row, TWO.row, replace(ONE, valence="surprise").row])
    corpus = corpora.load("casme_sq", tmp_path)
    assert [(clip.id, clip.valence) for clip in corpus.clips] == [(ONE.id, "negative"), (TWO.id, "positive")]
    (note,) = notes(corpus, ONE.id)
    assert "twice" in note.source


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("tree", TREES)
def test_what_is_not_there_is_told(tmp_path: Path, tree: str) -> None:
    three = replace(ONE, participant=3)
    copy(tmp_path, ONE, TWO, three, tree=tree)
    top = tmp_path / tree
    if tree == "rawvideo":
        (top / "s15" / f"{ONE.recording}.avi").unlink()
    else:
        shutil.rmtree(top / ("15" if tree == "cropped" else "s15") / (ONE.recording if tree == "rawpic" else ONE.name))
    shutil.rmtree(top / ("19" if tree == "cropped" else "s19"))
    corpus = corpora.load("casme_sq", tmp_path, "cropped" if tree == "cropped" else "raw")
    assert [clip.id for clip in corpus.clips] == [TWO.id]
    assert set(reasons(corpus)) == {ONE.id, three.id}


@pytest.mark.parametrize("tree", ["rawpic", "rawvideo"])
def test_recordings_go_by_subject_and_code(tmp_path: Path, tree: str) -> None:
    copy(tmp_path, ONE, TWO, tree=tree)
    ending = ".avi" if tree == "rawvideo" else ""
    # under the wrong subject, of another person, of a stimulus that the table does not know, of a longer number
    strays = ["s16/15_0401unfair", "s15/16_0401unfair", "s15/15_0999other", "s15/115_0401unfair", "s15/5_0401unfair"]
    for stray in strays:
        path = tmp_path / tree / f"{stray}{ending}"
        if ending:
            disk.touch(path.parent, [path.name])
        else:
            disk.touch(path, ["img557.jpg", "img558.jpg"])
    disk.touch(tmp_path / tree / "s15", ["Thumbs.db", "15_0401unfair.txt"])
    corpus = corpora.load("casme_sq", tmp_path)
    clips = clips_of(corpus)
    held = clips[ONE.id].frames[0]
    assert (held.stem if ending else held.parent.name) == ONE.recording
    assert [path.parts[-2 if ending else -3] for path in clips[TWO.id].frames] == ["s16"] * 10
    shutil.rmtree(tmp_path / tree / "s15")
    (tmp_path / tree / "s15").mkdir()
    assert ONE.id in reasons(corpora.load("casme_sq", tmp_path))


def test_two_recordings_of_one_stimulus_are_not_chosen_by_chance(tmp_path: Path) -> None:
    copy(tmp_path, ONE, TWO, tree="rawvideo")
    disk.touch(tmp_path / "rawvideo" / "s15", ["15_0401again.avi"])
    corpus = corpora.load("casme_sq", tmp_path)
    mentioned = [*reasons(corpus), *(note.clip for note in corpus.corrections)]
    assert ONE.id in mentioned, "of two recordings one was read without a word"


@pytest.mark.parametrize("tree", CLIP_TREES)
def test_offset_0_and_broken_order_follow_the_folder(tmp_path: Path, tree: str) -> None:
    zero, broken = replace(ONE, offset=0), replace(TWO, onset=50, offset=39, first=30, last=41)
    corpus = copy(tmp_path, zero, broken, tree=tree)
    first, second = corpus.clips
    assert (first.onset, first.apex, first.offset, first.numbers) == (557, 560, 566, tuple(range(557, 567)))
    assert (second.onset, second.apex, second.offset, second.numbers) == (30, 34, 41, tuple(range(30, 42)))
    assert [(note.printed, note.used) for note in notes(corpus, zero.id)] == [("0", "566")]
    assert {("50", "30"), ("39", "41")} <= {(note.printed, note.used) for note in notes(corpus, broken.id)}


@pytest.mark.parametrize("tree", ["rawpic", "rawvideo"])
def test_offset_0_ends_at_the_apex_of_a_recording(tmp_path: Path, tree: str) -> None:
    clips = [
        replace(ONE, offset=0),
        replace(ONE, name="anger1_2", apex=0, offset=0),
        replace(ONE, name="anger2_1", apex=550, offset=0),
        replace(ONE, name="anger2_2", apex=None, offset=0),
        replace(ONE, name="anger2_3", apex=557, offset=0),
        replace(ONE, name="happy1_1", onset=570),
    ]
    corpus = copy(tmp_path, *clips, tree=tree)
    assert [(clip.id, clip.onset, clip.apex, clip.offset) for clip in corpus.clips] == [(ONE.id, 557, 560, 560)]
    assert set(reasons(corpus)) == {clip.id for clip in clips[1:]}


@pytest.mark.parametrize("tree", ["rawpic", "rawvideo"])
def test_onset_after_offset_in_a_recording_leaves_the_apex_as_its_end(tmp_path: Path, tree: str) -> None:
    (clip, _) = copy(tmp_path / "a", replace(ONE, offset=540), TWO, tree=tree).clips
    assert (clip.id, clip.onset, clip.apex, clip.offset) == (ONE.id, 557, 560, 560)
    broken = replace(ONE, offset=540, apex=556)
    corpus = copy(tmp_path / "b", broken, TWO, tree=tree)
    assert [clip.id for clip in corpus.clips] == [TWO.id]
    assert set(reasons(corpus)) == {broken.id}


@pytest.mark.parametrize("tree", ["selectedpic", "rawpic"])
def test_frames_beyond_onset_and_offset_are_not_read(tmp_path: Path, tree: str) -> None:
    clip = replace(ONE, onset=559, offset=563)
    (read,) = copy(tmp_path, clip, tree=tree).clips
    assert (read.onset, read.offset, read.numbers) == (559, 563, tuple(range(559, 564)))


def test_missing_frames_are_noted(tmp_path: Path) -> None:
    copy(tmp_path, ONE)
    (tmp_path / "selectedpic" / "s15" / "anger1_1" / "img559.jpg").unlink()
    corpus = corpora.load("casme_sq", tmp_path)
    assert 559 not in corpus.clips[0].numbers
    assert [(note.column, note.printed, note.used) for note in corpus.corrections] == [("frames", "10", "9")]


def test_videos_are_indexed_without_being_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(tmp_path, ONE, TWO, tree="rawvideo")
    for path in (tmp_path / "rawvideo").rglob("*.avi"):
        path.write_bytes(b"no video at all")
    this_clip, _ = corpora.load("casme_sq", tmp_path).clips
    assert this_clip.files == (tmp_path / "rawvideo" / "s15" / f"{ONE.recording}.avi",)
    assert this_clip.numbers == tuple(range(557, 567))
