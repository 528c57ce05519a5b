"""The public flow maps: which files are maps, whose they are, and what is wrong with a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import run_all
from common import corpora
from common.corpora import check, flow_maps, made_flow_maps, marker
from common.errors import ClipError, UserError
from common.runs.plan import kind_of
from common.standin import real_motion
from common.types import Clip, Corpus

MAPS = {  # file: subject, class, clip
    "sub01_EP02_01f .png": ("sub01", 1, "casme2/sub01/EP02_01f"),
    "sub07_EP06_02_01 .png": ("sub07", 0, "casme2/sub07/EP06_02_01"),
    "sub09_EP09f .png": ("sub09", 2, "casme2/sub09/EP09f"),
    "s03_s03_ne_01 .png": ("s03", 0, "smic/s3/s3_ne_01"),
    "s13_s13_po_10 .png": ("s13", 1, "smic/s13/s13_po_10"),
    "006_006_1_2 .png": ("006", 0, "samm/006/006_1_2"),
}
CLASSES = ("negative", "positive", "surprise")


def picture(name: str, size: int = flow_maps.SIZE) -> bytes:
    """An image of its own for each name."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return bytes(cv2.imencode(".png", rng.integers(0, 256, (size, size, 3), np.uint8))[1])


def place(root: Path, kind: str, home: str, name: str) -> Path:
    if kind == "flat":
        return root / "datasets" / "STSNet_whole_norm_u_v_os" / name
    return root / "datasets" / "three_norm_u_v_os" / home / kind / str(MAPS[name][1]) / name


def write(root: Path, *kinds: str) -> Path:
    """A folder with the maps of MAPS in folders of these kinds."""
    for name, (subject, _, _) in MAPS.items():
        others = [other for other, _, _ in MAPS.values() if other != subject]
        for kind in kinds:
            for home in others if kind == "u_train" else [subject]:
                path = place(root, kind, home, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture(name))
    return root


def loaded(root: Path) -> Corpus:
    (top,) = corpora.find(root, [flow_maps.CORPUS]).values()
    return corpora.load(flow_maps.CORPUS, top)


def write_list(root: Path, name: str, classes: dict[str, int]) -> None:
    rows = ["dataset,sub,filename_o,label,apex,imagename"]
    for clip, label in classes.items():
        corpus, subject, own = clip.split("/")
        rows.append(f"{corpus},{subject},{own},{label},,{subject}_{own}.jpg")
    (root / name).write_text("\n".join(rows), encoding="utf-8")


@pytest.mark.parametrize("kinds", [("u_test",), ("u_train",), ("u_train", "u_test"), ("flat", "u_train", "u_test")])
def test_maps_become_the_clips_of_the_composite(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    corpus = loaded(write(tmp_path, *kinds))
    expected = {clip: CLASSES[label] for _, label, clip in MAPS.values()}
    assert {clip.id: clip.emotion for clip in corpus.clips} == expected
    assert not corpus.exclusions
    (own,) = (clip for clip in corpus.clips if clip.id == "smic/s3/s3_ne_01")
    assert flow_maps.image(own.frames[0]).tolist() == cv2.imread(str(own.frames[0])).tolist()
    assert own.frames[0].parts[-3] == "u_test" or "u_test" not in kinds


def test_flat_maps_take_their_classes_from_the_list_and_those_of_smic_from_their_names(tmp_path: Path) -> None:
    write(tmp_path, "flat")
    assert {clip.corpus for clip in loaded(tmp_path).clips} == {"smic"}
    assert len(loaded(tmp_path).exclusions) == 4
    write_list(tmp_path, "combined_3_class2_for_optical_flow.csv", {clip: label for _, label, clip in MAPS.values()})
    assert {clip.id: CLASSES.index(clip.emotion) for clip in loaded(tmp_path).clips} == {
        clip: label for _, label, clip in MAPS.values()
    }


def test_a_class_that_the_list_contradicts_costs_the_clip(tmp_path: Path) -> None:
    write(tmp_path, "u_test")
    classes = {clip: label for _, label, clip in MAPS.values()} | {"smic/s3/s3_ne_01": 2, "casme2/sub09/EP09f": 0}
    write_list(tmp_path, "combined_3class_gt.csv", classes)
    assert {exclusion.clip for exclusion in loaded(tmp_path).exclusions} == {"smic/s3/s3_ne_01", "casme2/sub09/EP09f"}


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other(path: Path) -> None:
    path.write_bytes(picture("another"))


def _grey(path: Path) -> None:
    path.write_bytes(bytes(cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1]))


def _double(path: Path) -> None:
    path.with_name(path.name.replace(" ", "")).write_bytes(path.read_bytes())


def _reclass(path: Path) -> None:
    target = path.parents[1] / "2" / path.name
    target.parent.mkdir(exist_ok=True)
    path.rename(target)


@pytest.mark.parametrize("fault", [_damage, _empty, _other, _grey, _double, _reclass])
@pytest.mark.parametrize("kind", ["u_test", "u_train"])
def test_a_faulty_map_costs_its_clip_and_no_other(tmp_path: Path, fault: Any, kind: str) -> None:
    """A copy for training that is there twice is the same map twice."""
    write(tmp_path, "u_train", "u_test")
    fault(place(tmp_path, kind, "006" if kind == "u_test" else "s13", "006_006_1_2 .png"))
    corpus = loaded(tmp_path)
    harmless = fault is _double and kind == "u_train"
    assert [e.clip for e in corpus.exclusions] == ([] if harmless else ["samm/006/006_1_2"])
    assert len(corpus.clips) + len(corpus.exclusions) == len(MAPS)


def test_missing_misplaced_and_foreign_files_are_each_a_line(tmp_path: Path) -> None:
    write(tmp_path, "flat", "u_train", "u_test")
    usual = set(loaded(tmp_path).notes)
    place(tmp_path, "flat", "", "006_006_1_2 .png").unlink()
    own = place(tmp_path, "u_test", "s03", "s03_s03_ne_01 .png")
    trained = own.parents[2] / "u_train" / "0" / own.name
    trained.write_bytes(own.read_bytes())
    (own.parent / "notes.txt").touch()
    notes = sorted(set(loaded(tmp_path).notes) - usual)
    assert len(notes) == 3
    assert all(any(name in note for note in notes) for name in ("samm/006/006_1_2", str(trained), "notes.txt"))
    assert len(loaded(tmp_path).clips) == len(MAPS)


def test_faces_with_the_names_of_maps_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "combined_datasets_whole"
    folder.mkdir()
    (folder / "006_006_1_2 .png").write_bytes(picture("face", 64))
    with pytest.raises(UserError):
        corpora.find(tmp_path, [flow_maps.CORPUS])
    with pytest.raises(ClipError):
        flow_maps.image(folder / "006_006_1_2 .png")


def test_the_check_counts_maps_and_other_papers_cannot_run_on_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "maps", "flat", "u_train", "u_test")
    report = check.check(tmp_path / "maps")
    (row,) = report["corpora"].values()
    assert (row["data"], row["clips"], row["subjects"]) == ("public-maps", 6, 6)
    assert row["documented"]["clips"] == 442
    assert not report["unread"]
    words = ["--paper", "kumar2019", "--data", str(tmp_path / "maps"), "--profile", "smoke", "--out", str(tmp_path)]
    assert run_all.main(words) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


RECORD = {
    "recipe": "one",
    "source": "somewhere",
    "ground": "megc2019",
    "classes": list(CLASSES),
    "data": marker.LICENSED,
}


def clips_of_maps() -> tuple[list[tuple[Clip, int]], np.ndarray, list[int]]:
    """The clips of MAPS with their classes, an image for each, and the numbers of their apex frames."""
    pairs = []
    for number, (_, label, key) in enumerate(MAPS.values()):
        corpus, subject, name = key.split("/")
        pairs.append((Clip(corpus, subject, name, (), (number,), number, None, number, 200, CLASSES[label]), label))
    return pairs, np.random.default_rng(0).integers(0, 256, (len(pairs), 28, 28, 3), np.uint8), [*range(len(pairs))]


@pytest.mark.parametrize("data", [marker.LICENSED, marker.STAND_IN, marker.REAL_MOTION])
def test_maps_that_are_written_are_read_back(tmp_path: Path, data: str) -> None:
    folder = tmp_path / "maps"
    pairs, images, apexes = clips_of_maps()
    assert made_flow_maps.write(folder, pairs, images, apexes, {**RECORD, "data": data})
    corpus = loaded(folder)
    assert {clip.id: clip.emotion for clip in corpus.clips} == {clip.id: clip.emotion for clip, _ in pairs}
    assert not corpus.exclusions
    for clip, picture_ in zip((clip for clip, _ in pairs), images, strict=True):
        (read,) = (other for other in corpus.clips if other.id == clip.id)
        assert np.array_equal(flow_maps.image(read.frames[0]), picture_)
    assert any("one" in note for note in corpus.notes)
    assert not set(flow_maps.NOTES) & set(corpus.notes)
    assert kind_of(folder) == data
    (row,) = check.check(folder)["corpora"].values()
    assert row["data"] == data
    with pytest.raises(UserError):
        real_motion.read(folder)


def test_the_folders_are_those_that_public_code_lists(tmp_path: Path) -> None:
    """As in christy1206/STSTNet, main.py: subjects, u_train and u_test, folders whose names are the classes."""
    folder = tmp_path / "maps"
    made_flow_maps.write(folder, *clips_of_maps(), RECORD)
    tree = folder / "norm_u_v_os"
    assert {home.name for home in tree.iterdir()} == {subject for subject, _, _ in MAPS.values()}
    for home in tree.iterdir():
        files = {
            kind: {path.name: int(path.parent.name) for path in (home / kind).glob("*/*")}
            for kind in ("u_test", "u_train")
        }
        own = {name: label for name, (subject, label, _) in MAPS.items() if subject == home.name}
        assert files["u_test"] == own
        assert files["u_train"] == {name: label for name, (_, label, _) in MAPS.items() if name not in own}
    assert {path.name for path in (folder / "STSNet_whole_norm_u_v_os").iterdir()} == set(MAPS)


def test_a_folder_with_anything_else_is_left_as_it_is(tmp_path: Path) -> None:
    pairs, images, apexes = clips_of_maps()
    folder = tmp_path / "maps"
    made_flow_maps.write(folder, pairs, images, apexes, RECORD)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert not made_flow_maps.write(folder, pairs, images, apexes, RECORD)
    for other in (images[::-1].copy(), images + 1):
        with pytest.raises(UserError):
            made_flow_maps.write(folder, pairs, other, apexes, RECORD)
    (tmp_path / "empty").mkdir()
    assert made_flow_maps.write(tmp_path / "empty", pairs, images, apexes, RECORD)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").touch()
    for path in (tmp_path / "own", tmp_path / "own" / "notes.txt"):
        with pytest.raises(UserError):
            made_flow_maps.write(path, pairs, images, apexes, RECORD)
    with pytest.raises(UserError):  # two clips with one name
        made_flow_maps.write(tmp_path / "new", [*pairs, pairs[0]], images[[*range(6), 0]], apexes, RECORD)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "maps", "own"}


def test_maps_of_another_ground_and_a_damaged_record_are_refused(tmp_path: Path) -> None:
    pairs, images, apexes = clips_of_maps()
    made_flow_maps.write(tmp_path / "maps", pairs, images, apexes, {**RECORD, "ground": "casme2-5"})
    with pytest.raises(UserError):
        loaded(tmp_path / "maps")
    (tmp_path / "maps" / made_flow_maps.MADE).write_text("{", encoding="utf-8")
    with pytest.raises(UserError):
        loaded(tmp_path / "maps")
