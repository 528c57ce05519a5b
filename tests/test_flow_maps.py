"""The public flow maps: which files are maps, whose they are, and what is wrong with a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import run_all
from common import corpora
from common.corpora import check, flow_maps
from common.errors import ClipError, UserError
from common.types import Corpus

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
