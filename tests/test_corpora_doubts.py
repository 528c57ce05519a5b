"""Trees from which a wrong clip could be read: other parts, derived images, videos, new numbers, stray files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import test_layouts_in_the_wild as wild
import trees_on_disk as disk
from test_corpora_places import TABLES, TREES

import run_all
from common import corpora
from common.corpora import check, composite, trees
from common.errors import ClipError, UserError

TABLE = wild.xlsx("CASME2-coding-20140508.xlsx", "casme2")
PARTS = {
    "HS": wild.frames("mine/HS", "smic", "reg_image{n:06d}.bmp", wild.SMALL),
    "VIS": wild.frames("mine/VIS", "vis", "reg_{n:05d}.bmp", wild.SMALL),
    "NIR": wild.frames("mine/NIR", "vis", "reg_{n:05d}.bmp", wild.SMALL),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty folder, whose path contains no word that says what is in it."""
    folder = tmp_path / "x" / "y" / "d"
    folder.mkdir(parents=True)
    return folder


def read(data: Path, corpus: str, place: str | None = None) -> str:
    """The folder that is read, of a corpus with all of its clips, relative to the data."""
    placed = corpora.placed_by([f"{corpus}={data / place}"], data) if place else {}
    report = check.check(data, (corpus,), placed=placed)["corpora"][corpus]
    assert (report["error"], report["clips"], report["exclusions"]) == (None, 4, [])
    return str(Path(report["images"]).relative_to(data))


@pytest.mark.parametrize(("corpus", "part"), [("smic", "HS"), ("smic_vis", "VIS"), ("smic_nir", "NIR")])
@pytest.mark.parametrize("place", ["mine", None])
def test_parts_of_smic_in_one_folder_are_told_apart(data: Path, corpus: str, part: str, place: str | None) -> None:
    for write in PARTS.values():
        write(data)
    assert read(data, corpus, place) == f"mine/{part}"


@pytest.mark.parametrize("corpus", ["smic", "smic_nir"])
@pytest.mark.parametrize("place", ["mine", "mine/VIS"])
def test_as_does_not_read_another_part_of_smic(data: Path, corpus: str, place: str) -> None:
    PARTS["VIS"](data)
    with pytest.raises(UserError, match=f"no images of {corpus} there, but of smic_vis"):
        corpora.placed_by([f"{corpus}={data / place}"], data)


@pytest.mark.parametrize("derived", ["flow", "OF", "opticalflow", "CASME2_OF", "TIM10", "flow/first/second"])
@pytest.mark.parametrize("place", ["mine", None])
def test_images_computed_from_frames_are_not_read_instead(data: Path, derived: str, place: str | None) -> None:
    wild.frames("mine/faces", "casme2", "img{n}.jpg", wild.SMALL)(data)
    wild.frames(f"mine/{derived}", "casme2", "img{n}.jpg")(data)
    TABLE(data)
    assert read(data, "casme2", place) == "mine/faces"
    assert read(data, "casme2", f"mine/{derived}") == f"mine/{derived}"  # named by itself, it is meant


def test_a_known_name_in_a_folder_of_computed_images_comes_last(data: Path) -> None:
    wild.frames("optical_flow/SAMM", "samm", "{s}_{n:05d}.jpg")(data)
    wild.frames("SAMM_CROP", "samm", "{s}_{n:05d}.jpg", wild.SMALL)(data)
    wild.xlsx("SAMM_Micro_FACS_Codes_v2.xlsx", "samm")(data)
    assert read(data, "samm") == "SAMM_CROP"


def test_of_two_doubtful_folders_as_reads_none(data: Path) -> None:
    for tree in ("mine/a b", "mine/c"):
        wild.frames(tree, "casme2", "{n}.png")(data)
    TABLE(data)
    with pytest.raises(UserError, match="no images of casme2 there") as error:
        corpora.placed_by([f"casme2={data / 'mine'}"], data)
    assert f"--as 'casme2={data / 'mine' / 'a b'}'" in str(error.value)  # as a shell reads it
    assert read(data, "casme2", "mine/c") == "mine/c"


def test_as_names_the_folder_itself_rather_than_one_in_it(data: Path) -> None:
    wild.frames("mine", "casme2", "{n}.png")(data)
    wild.frames("mine/more", "casme2", "img{n}.jpg")(data)
    TABLE(data)
    assert read(data, "casme2", "mine") == "mine"


@pytest.mark.parametrize("images", ["faces", "frames"])
def test_videos_are_not_read_beside_images(data: Path, images: str) -> None:
    wild.frames(f"mine/{images}", "casme2", "img{n}.jpg")(data)
    wild.videos("mine/CASME2_compressed", "casme2", "sub{s}/{c}.avi")(data)
    TABLE(data)
    assert read(data, "casme2") == f"mine/{images}"
    (line,) = check.check(data)["unread"]
    assert "CASME2_compressed" in line
    assert "its clips are videos" in line


def test_resource_forks_of_videos_are_no_clips(data: Path) -> None:
    wild.videos("mine", "casme2", "sub{s}/{c}.avi")(data)
    for video in [*data.rglob("*.avi")]:
        (video.parent / f"._{video.name}").write_bytes(b"x")
    TABLE(data)
    assert read(data, "casme2") == "mine"


def test_a_folder_near_the_table_is_read_and_the_other_line_says_so(data: Path) -> None:
    wild.frames("CASME2/first", "casme2", "img{n}.jpg")(data)
    wild.frames("second", "casme2", "img{n}.jpg")(data)
    wild.xlsx("CASME2/CASME2-coding-20140508.xlsx", "casme2")(data)
    (line,) = check.check(data)["unread"]
    assert "second looks like" in line
    assert f"{data / 'CASME2' / 'first'} is read" in line


@pytest.mark.parametrize("first", [0, 1, 45, 47, 50])
def test_renumbered_clips_are_not_read_in_part(data: Path, first: int) -> None:
    wild.frames("CASME2_RAW_selected", "casme2", "img{n}.jpg", numbers=range(first, first + 6))(data)
    place = data / "CASME2_RAW_selected" / "sub01" / "EP02_01f"
    with pytest.raises(ClipError, match="no frame between" if first < 2 else f"numbered {first} to {first + 5}"):
        trees.sequence(place, wild.FIRST, wild.LAST)
    assert len(trees.sequence(place, first, first + 5)) == 6


@pytest.mark.parametrize("first", [38, 41, 42])
def test_recordings_thinned_out_are_not_renumbered(data: Path, first: int) -> None:
    """As many images as annotated frames, by chance; those in the clip have the numbers of the table."""
    wild.frames("CASME2_RAW_selected", "casme2", "img{n}.jpg", numbers=range(first, first + 12, 2))(data)
    place = data / "CASME2_RAW_selected" / "sub01" / "EP02_01f"
    inside = [number for number in range(first, first + 12, 2) if wild.FIRST <= number <= wild.LAST]
    assert list(trees.sequence(place, wild.FIRST, wild.LAST)) == inside


def _spans(data: Path) -> None:
    """A table whose clips are annotated at different places, two of them among the first ten frames."""
    spans = [(3, 9), (4, 10), (60, 80), (90, 130)]
    pairs = zip(wild.CLIPS["casme2"], spans, strict=True)
    rows = [[s, c, None, a, a + 1, b, None, "4", "disgust"] for (s, c), (a, b) in pairs]
    disk.write_table(data / "CASME2-coding-20140508.xlsx", disk.CASME2_HEADER, rows)


@pytest.mark.parametrize("first", [0, 1])
def test_images_interpolated_to_a_fixed_length_are_not_read_by_the_numbers_of_the_table(data: Path, first: int) -> None:
    wild.frames("mine/faces", "casme2", "img{n}.jpg", numbers=range(first, first + 10))(data)
    _spans(data)
    placed = corpora.placed_by([f"casme2={data / 'mine'}"], data)
    report = check.check(data, placed=placed)["corpora"]["casme2"]
    assert (report["clips"], len(report["exclusions"])) == (0, 4)
    assert run_all.main(["--check-data", str(data), "--as", f"casme2={data / 'mine'}"]) == 1


def test_whole_recordings_of_one_length_are_read(data: Path) -> None:
    wild.frames("mine/faces", "casme2", "img{n}.jpg", numbers=range(1, 140))(data)
    _spans(data)
    assert read(data, "casme2") == "mine/faces"


def test_interpolated_clips_of_smic_are_read_with_a_warning(data: Path) -> None:
    wild.frames("TIM10/HS", "smic", "{n}.bmp", numbers=range(1, 11))(data)
    placed = corpora.placed_by([f"smic={data / 'TIM10'}"], data)
    report = check.check(data, placed=placed)["corpora"]["smic"]
    assert report["clips"] == 4
    (note,) = report["notes"]
    assert "10 images" in note
    assert "interpolated" in note
    assert read(data, "smic", "TIM10") == "TIM10/HS"


@pytest.mark.parametrize("corpus", TABLES)
def test_a_huge_csv_and_a_pipe_are_not_read(data: Path, corpus: str) -> None:
    TREES[corpus](data)
    table = data / f"{TABLES[corpus]}.csv"
    with table.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(UserError, match="not a file of at most"):
        corpora.load(corpus, data)
    os.mkfifo(data / "combined_3class_gt.csv")
    with pytest.raises(UserError, match="not a file of at most"):
        composite.read_megc_list(data / "combined_3class_gt.csv")


@pytest.mark.parametrize("crops", ["CASME2/Cropped_original", "CASME2/Cropped"])
def test_crops_of_casme_are_not_those_of_casme2(data: Path, crops: str) -> None:
    """Their subjects and clips have names like those of CASME II, and so has their folder."""
    wild.frames("CASME/Cropped", "casme2", "reg_EP01_12-{n}.jpg", wild.SMALL)(data)
    wild.frames(crops, "casme2", "reg_img{n}.jpg", wild.SMALL)(data)
    wild.xlsx("CASME2/CASME2-coding-20140508.xlsx", "casme2")(data)
    assert read(data, "casme2") == crops
    (line,) = check.check(data)["unread"]
    assert "CASME/Cropped looks like CASME II" in line
    assert "named like reg_EP01_12-46.jpg" in line


def test_images_of_a_pipeline_are_not_read_instead_of_the_release(data: Path) -> None:
    wild.frames("SAMM", "samm", "{s}_{n:05d}.jpg")(data)
    wild.frames("processed/samm", "samm", "img{n}.jpg")(data)
    wild.xlsx("processed/SAMM_Micro_FACS_Codes_v2.xlsx", "samm")(data)
    assert read(data, "samm") == "SAMM"


def test_a_damaged_clip_does_not_make_a_known_folder_doubtful(data: Path) -> None:
    wild.frames("CASME2_RAW_selected", "casme2", "img{n}.jpg")(data)
    wild.frames("Cropped", "casme2", "reg_img{n}.jpg", wild.SMALL)(data)
    TABLE(data)
    clip = data / "CASME2_RAW_selected" / "sub01" / "EP02_01f"
    for image in sorted(clip.iterdir())[2:]:
        image.unlink()
    (clip / "Copy of img46.jpg").write_bytes(wild.RAW)
    report = check.check(data)["corpora"]["casme2"]
    assert report["images"] == str(data / "CASME2_RAW_selected")
    assert [row["clip"] for row in report["exclusions"]] == ["casme2/sub01/EP02_01f"]


def test_the_short_release_of_smic_is_read_before_the_long_one(data: Path) -> None:
    wild.frames("mine/HS", "smic", "image{n:06d}.bmp")(data)
    wild.frames("HS_long/s{s:0>2}/{c}", "smic", "image{n:06d}.jpg", numbers=range(40, 60))(data)
    wild.xlsx("SMIC-HS-E_annotation.xlsx", "smic")(data)
    assert read(data, "smic") == "mine/HS"
    assert read(data, "smic_e") == "HS_long"


def test_what_folders_above_the_data_are_called_does_not_matter(tmp_path: Path) -> None:
    folder = tmp_path / "tim" / "optical" / "d"
    folder.mkdir(parents=True)
    wild.frames("frames", "casme2", "img{n}.jpg", wild.SMALL)(folder)
    TABLE(folder)
    assert read(folder, "casme2") == "frames"
