"""Where a corpus is: folders known by content, the option --as, and tables as csv."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import test_layouts_in_the_wild as wild
import trees_on_disk as disk
from rich.console import Console

import run_all
from common import corpora
from common.cli import arguments
from common.corpora import check, check_text, composite
from common.errors import UserError
from common.predict import command

ODD = {"smic": "image{n}.bmp", "vis": "{n:05d}.bmp"}
TREES = {
    "casme2": wild.frames("CASME2_RAW_selected", "casme2", "img{n}.jpg"),
    "samm": wild.frames("SAMM", "samm", "{s}_{n:04d}.jpg"),
    "smic_e": wild.frames("SMIC-HS-E/s{s:0>2}/{c}", "smic", "image{n:06d}.jpg"),
}
TABLES = {"casme2": "CASME2-coding-20190701", "samm": "SAMM_Micro_FACS_Codes_v2", "smic_e": "SMIC-HS-E_annotation"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty folder, whose path contains no word that says what is in it."""
    folder = tmp_path / "x" / "y" / "d"
    folder.mkdir(parents=True)
    return folder


def said(result: dict) -> str:
    console = Console(record=True, soft_wrap=True, file=open(os.devnull, "w"))  # noqa: SIM115
    check_text.print_check(result, console)
    return console.export_text()


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("corpus", TABLES)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_table_reads_like_the_workbook(data: Path, corpus: str, delimiter: str, encoding: str) -> None:
    TREES[corpus](data)
    kind = corpus.removesuffix("_e")
    wild.xlsx(f"{TABLES[corpus]}.xlsx", kind, above=2)(data)
    before = corpora.load(corpus, corpora.find(data, (corpus,))[corpus])
    (data / f"{TABLES[corpus]}.xlsx").unlink()
    wild.text(f"{TABLES[corpus]}.csv", kind, delimiter, encoding, above=2)(data)
    after = corpora.load(corpus, corpora.find(data, (corpus,))[corpus])
    assert len(after.clips) == 4
    assert (after.clips, after.exclusions, after.table) == (before.clips, (), f"{TABLES[corpus]}.csv")


def test_the_codes_of_casme_sq_as_csv_read_like_the_workbook(data: Path) -> None:
    wild.frames("selectedpic", "casme_sq", "img{n}.jpg")(data)
    wild.codes("CAS(ME)^2code_final.xlsx")(data)
    before = corpora.load("casme_sq", data)
    (data / "CAS(ME)^2code_final.xlsx").unlink()
    wild.codes("CAS(ME)^2code_final.csv")(data)
    assert corpora.load("casme_sq", data).clips == before.clips
    lines = (data / "CAS(ME)^2code_final.csv").read_text().splitlines()
    (data / "CAS(ME)^2code_final.csv").write_text("\n".join(["participant,clip,a,b,c,d,e,f,g", *lines]))
    after = corpora.load("casme_sq", data)
    assert (after.clips, after.exclusions) == (before.clips, ())


def test_whole_numbers_of_a_csv_may_have_decimals(data: Path) -> None:
    TREES["casme2"](data)
    wild.text("CASME2-coding-20190701.csv", "casme2")(data)
    before = corpora.load("casme2", data)
    table = data / "CASME2-coding-20190701.csv"
    table.write_text(table.read_text().replace(f",{wild.FIRST},", f",{wild.FIRST}.0,"))
    assert ".0," in table.read_text()
    assert corpora.load("casme2", data).clips == before.clips


def test_a_workbook_counts_more_than_csv(data: Path) -> None:
    TREES["casme2"](data)
    wild.xlsx("CASME2-coding-20140508.xlsx", "casme2")(data)
    wild.text("CASME2-coding-20190701.csv", "casme2")(data)
    assert corpora.load("casme2", data).table == "CASME2-coding-20140508.xlsx"


def test_a_table_of_unknown_name_is_known_by_headings_and_clips(data: Path) -> None:
    TREES["casme2"](data)
    wild.xlsx("labels.xlsx", "casme2")(data)
    wild.text("other/labels.csv", "samm")(data)  # the same headings, but clips of another corpus
    root = corpora.find(data)["casme2"]
    assert (root, corpora.load("casme2", root).table) == (data, "labels.xlsx")
    shutil.copy(data / "labels.xlsx", data / "labels2.xlsx")
    with pytest.raises(UserError, match=r"2 tables have the headings of casme2: labels\.xlsx and labels2\.xlsx"):
        corpora.load("casme2", data)


@pytest.mark.parametrize("content", [b"\xff\xfeS\x00u\x00", b"Subject\xe9,Filename", b"\x00" * 40, b""])
def test_an_unreadable_csv_is_one_line(data: Path, content: bytes) -> None:
    TREES["casme2"](data)
    (data / "CASME2-coding-20190701.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"CASME2-coding-20190701\.csv") as error:
        corpora.load("casme2", data)
    assert "\n" not in str(error.value)


def test_cells_of_a_csv_never_become_paths(data: Path) -> None:
    TREES["casme2"](data)
    disk.touch(data.parent / "secret", ["img46.jpg", "img47.jpg"])
    header = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion\n"
    rows = [f"01,{name},46,47,48,4,others" for name in ("../../../secret", "/etc", "..", "EP02_01f")]
    (data / "CASME2-coding-20190701.csv").write_text(header + "\n".join(rows))
    corpus = corpora.load("casme2", data)
    assert [clip.name for clip in corpus.clips] == ["EP02_01f"]
    assert len(corpus.exclusions) == 3
    assert all(frame.is_relative_to(data) for clip in corpus.clips for frame in clip.frames)


@pytest.mark.parametrize("header", ["dataset,subject,filename,label", "\ufeffdb,sub,clip,class", ""])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_list_of_the_composite_may_have_a_header(data: Path, header: str, delimiter: str) -> None:
    path = data / "combined_3class_gt.csv"
    disk.write_list(path)
    before = composite.read_megc_list(path)
    text = "\n".join([*([header] if header else []), path.read_text()]).replace(",", delimiter)
    path.write_text(text, encoding="utf-8")
    assert composite.read_megc_list(path) == before
    assert len(before) == 442


def test_only_the_first_line_of_the_list_may_be_a_header(data: Path) -> None:
    path = data / "combined_3class_gt.csv"
    disk.write_list(path)
    path.write_text(path.read_text() + "dataset,subject,filename,label\n")
    with pytest.raises(UserError, match="line 443"):
        composite.read_megc_list(path)


# ---------------------------------------------------------------- content


@pytest.mark.parametrize(
    ("tree", "corpus", "name", "expected"),
    [
        ("odd", "smic", "image{n:06d}.bmp", "smic"),
        ("odd", "smic", "reg_image{n:06d}.bmp", "smic"),
        ("SMIC_CROP/HS", "smic", "{n}.bmp", "smic"),
        ("SMIC_all_raw/HS_cropped", "smic", "reg_image{n:06d}.bmp", "smic"),
        ("odd/VIS", "vis", "reg_{n:05d}.bmp", "smic_vis"),
        ("odd/NIR", "vis", "{n:05d}.bmp", "smic_nir"),
        ("nir_frames", "vis", "{n:05d}.bmp", "smic_nir"),
        ("odd/s{s}/{c}", "smic", "image{n:06d}.jpg", "smic"),
        ("HS_cropped/s{s}/{c}", "smic", "reg_image{n:06d}.bmp", "smic"),
        ("NIR_cropped/s{s}/{c}", "vis", "reg_{n:05d}.bmp", "smic_nir"),
    ],
)
def test_what_decides_the_part_of_smic(data: Path, tree: str, corpus: str, name: str, expected: str) -> None:
    wild.frames(tree, corpus, name)(data)
    parts = ("smic", "smic_vis", "smic_nir")
    roots = corpora.find(data, parts)
    assert list(roots) == [expected]
    assert len(corpora.load(expected, roots[expected]).clips) == 4


@pytest.mark.parametrize(
    ("tree", "corpus", "name", "doubt"),
    [
        ("odd", "vis", "{n:05d}.bmp", "NIR or VIS"),
        ("odd", "vis", "frame{n}.bmp", "HS or NIR or VIS"),
        ("odd", "smic", "frame{n}.bmp", r"named like frame46\.bmp"),
        ("odd/VIS", "smic", "{n:05d}.bmp", "its name says VIS"),
        ("SMIC_flow/HS", "smic", "image{n:06d}.bmp", "'flow'"),
        ("odd/s{s}/{c}", "smic", "frame{n}.jpg", r"named like frame46\.jpg"),
    ],
)
def test_what_does_not_decide_is_named_and_not_read(data: Path, tree: str, corpus: str, name: str, doubt: str) -> None:
    wild.frames(tree, corpus, name)(data)
    with pytest.raises(UserError, match=doubt) as error:
        corpora.find(data)
    assert "but is not read" in str(error.value)
    assert "--as smic" in str(error.value)


def test_of_two_folders_alike_none_is_read(data: Path) -> None:
    for tree in ("first", "second"):
        wild.frames(tree, "smic", "image{n:06d}.bmp")(data)
    with pytest.raises(UserError, match=r"first and .*second look alike; it is not clear"):
        corpora.find(data)
    placed = corpora.placed_by([f"smic={data / 'second'}"], data)
    assert corpora.find(data, placed=placed) == {"smic": data / "second"}


def test_images_recognised_by_content_need_their_table(data: Path) -> None:
    """A run on other corpora must not stop because of a folder that was ignored before."""
    wild.frames("SMIC/HS", "smic", "image{n:06d}.bmp")(data)
    wild.frames("odd", "samm", "{s}_{n:04d}.jpg")(data)
    wild.text("labels/CASME2-coding-20190701.csv", "casme2")(data)
    assert list(corpora.find(data)) == ["smic"]
    (line,) = check.check(data)["unread"]
    assert "odd looks like SAMM (2 subjects) but is not read: its annotation table was not found" in line


def test_an_old_table_of_images_recognised_by_content_is_named(data: Path) -> None:
    wild.frames("odd", "casme2", "img{n}.jpg")(data)
    wild.empty("CASME2_label_Ver_2.xls")(data)
    with pytest.raises(UserError, match=r"odd looks like CASME II .*CASME2_label_Ver_2\.xls has an older format; save"):
        corpora.find(data)


def test_folders_named_by_date_are_no_clips(data: Path) -> None:
    wild.frames("SMIC/HS", "smic", "image{n:06d}.bmp")(data)
    for month in ("01_2024", "02_2024"):
        (data / "notes" / month).mkdir(parents=True)
    assert check.check(data)["unread"] == []


def test_a_known_name_counts_more_than_content(data: Path) -> None:
    wild.frames("odd", "casme2", "img{n}.jpg")(data)
    wild.frames("Cropped", "casme2", "reg_img{n}.jpg")(data)
    wild.xlsx("CASME2-coding-20140508.xlsx", "casme2")(data)
    assert corpora.load("casme2", corpora.find(data)["casme2"], "raw").tree == "Cropped"


def test_a_link_with_a_known_name_changes_nothing(data: Path) -> None:
    wild.frames("SMIC_CROP/HS", "smic", "image{n:06d}.bmp")(data)
    before = corpora.load("smic", corpora.find(data)["smic"])
    (data / "SMIC_all_cropped").symlink_to(data / "SMIC_CROP")
    after = corpora.load("smic", corpora.find(data)["smic"])
    assert (after.clips, after.notes) == (before.clips, before.notes)
    outside = data.parent / "far"
    shutil.move(data / "SMIC_CROP", outside)
    (data / "SMIC_all_cropped").unlink()
    (data / "SMIC_all_cropped").symlink_to(outside)
    assert corpora.load("smic", corpora.find(data)["smic"]).tree == "SMIC_all_cropped/HS"


def test_crops_are_known_by_the_size_of_images(data: Path) -> None:
    wild.frames("one", "samm", "{s}_{n:04d}.jpg", wild.SMALL)(data)
    wild.frames("two", "samm", "{s}_{n:04d}.jpg", wild._picture((960, 650)))(data)
    wild.xlsx("SAMM_Micro_FACS_Codes_v2.xlsx", "samm")(data)
    assert [corpora.load("samm", data, kind).tree for kind in ("raw", "cropped")] == ["two", "one"]


def test_videos_of_casme2_are_read_from_onset_to_offset(data: Path) -> None:
    wild.LAYOUTS["CASME II as videos"].files[0](data)
    wild.LAYOUTS["CASME II as videos"].files[1](data)
    corpus = corpora.load("casme2", corpora.find(data)["casme2"])
    for clip in corpus.clips:
        assert clip.numbers == tuple(range(clip.onset, clip.offset + 1))
        assert [file.name for file in clip.files] == [f"{clip.name}.avi"]
    assert "4 clips are videos" in corpus.notes[0]


# ---------------------------------------------------------------- --as


@pytest.mark.parametrize("place", ["odd", "odd/deep", "."])
@pytest.mark.parametrize("table", ["odd/deep/tree", "odd", ".", "elsewhere/tables"])
def test_as_reads_the_folder_with_the_nearest_table(data: Path, place: str, table: str) -> None:
    wild.frames("odd/deep/tree", "casme2", "{n}.png")(data)
    wild.xlsx(f"{table}/CASME2-coding-20140508.xlsx", "casme2")(data)
    assert "casme2" not in check.check(data)["corpora"] or check.check(data)["corpora"]["casme2"]["error"]
    placed = corpora.placed_by([f"casme2={data / place}"], data)
    report = check.check(data, placed=placed)["corpora"]["casme2"]
    assert (report["error"], report["clips"]) == (None, 4)
    assert report["images"] == str(data / "odd" / "deep" / "tree")


def test_as_may_name_a_folder_outside_the_data_and_hides_the_others(data: Path) -> None:
    wild.frames("CASME2/CASME2_RAW_selected", "casme2", "img{n}.jpg")(data)
    wild.xlsx("CASME2/CASME2-coding-20140508.xlsx", "casme2")(data)
    outside = data.parent / "far"
    wild.frames("mine", "casme2", "img{n}.jpg", numbers=range(48, 52))(outside)
    placed = corpora.placed_by([f"casme2={outside}"], data)
    corpus = corpora.load("casme2", corpora.find(data, placed=placed)["casme2"], data=data)
    assert {len(clip.frames) for clip in corpus.clips} == {4}
    assert all(frame.is_relative_to(outside) for clip in corpus.clips for frame in clip.frames)


def test_folders_of_one_emotion_are_not_read_as_the_corpus(data: Path) -> None:
    wild.frames("HS/{e}/s{s}/{c}", "smic", "image{n:06d}.jpg")(data)
    with pytest.raises(UserError, match=r"negative looks like SMIC-HS .* one emotion only") as error:
        corpora.find(data)
    assert "--as" not in str(error.value)


@pytest.mark.parametrize("tree", ["SMIC_landmark/s{s}/{c}", "SMIC_landmark/s{s:0>2}/{c}"])
@pytest.mark.parametrize("short", [True, False])
def test_there_is_one_hint_how_to_read_a_changed_copy_of_smic(data: Path, tree: str, short: bool) -> None:
    wild.frames(tree, "smic", "image{n:06d}.jpg", numbers=range(1, 90))(data)
    wild.xlsx("SMIC-HS-E_annotation.xlsx", "smic")(data)
    if short:
        wild.frames("SMIC/HS", "smic", "image{n:06d}.bmp")(data)
    result = check.check(data)
    lines = [*result["unread"], *filter(None, (report["error"] for report in result["corpora"].values()))]
    hints = {word for line in lines for word in line.split() if word.startswith(("smic=", "smic_e="))}
    assert hints == {f"smic{'_e' * short}={data / 'SMIC_landmark'}"}
    assert said(result).count("--as smic") == 1


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("mmew=.", "'mmew' is not a known corpus"),
        ("casme2", "write CORPUS=DIR"),
        ("casme2=", "write CORPUS=DIR"),
        ("casme2=nothing", "not a readable folder"),
        ("casme2=empty", "no images of casme2 there"),
        ("samm=odd", "no images of samm there"),
    ],
)
def test_as_says_what_is_wrong(
    data: Path, word: str, problem: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wild.frames("odd", "casme2", "img{n}.jpg")(data)
    (data / "empty").mkdir()
    monkeypatch.chdir(data)
    assert run_all.main(["--check-data", ".", "--as", word]) == 2
    err = capsys.readouterr().err
    assert problem in err
    assert err.count("\n") == 1
    assert run_all.main(["--paper", "reddy2019", "--data", ".", "--dry-run", "--as", word]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--paper", "reddy2019", "--as", "smic=x"], ["--list", "--as", "smic=x"], ["--audit", "--as", "smic=x"]]
)
def test_as_goes_with_data(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run_all.main(words)
    assert stop.value.code == 2
    assert "--as goes with --data or --check-data" in capsys.readouterr().err


def test_commands_repeat_as(data: Path) -> None:
    wild.frames("odd", "smic", "frame{n}.bmp")(data)
    words = ["--paper", "reddy2019", "--data", str(data), "--as", f"smic={data / 'odd'}"]
    study = run_all.studied(arguments.parse(words))
    (selection,) = study.chosen
    command = study.command(selection, 0)
    assert command[command.index("--as") + 1] == f"smic={data / 'odd'}"
    assert selection.profile.changed == ""
    again = run_all.studied(arguments.parse(command[2:]))
    assert again.placed == study.placed == {"smic": data / "odd"}
    assert study.kind == "licensed"


# ---------------------------------------------------------------- --check-data


def test_a_composite_with_gaps_says_which(data: Path) -> None:
    wild.frames("SMIC/HS", "smic", "image{n:06d}.bmp")(data)
    result = check.check(data)
    assert result["composites"]["megc2019"]["lacking"] == {"casme2": 145, "smic": 160, "samm": 133}
    printed = said(result)
    assert "incomplete: 4 of 442 clips" in printed
    assert "SMIC-HS: 160 of 164 clips missing" in printed
    assert "SAMM: all 133 clips missing" in printed


@pytest.mark.parametrize("how", [os.link, shutil.copy])
def test_files_that_two_subjects_share_are_named(data: Path, how: object) -> None:
    wild.frames("SMIC/HS", "smic", "image{n:06d}.bmp")(data)
    for n, file in enumerate(sorted(data.rglob("*.bmp"))):
        file.write_bytes(wild.RAW + bytes([n]))
    assert check.check(data)["shared"] == []
    first = data / "SMIC/HS/s1/micro/negative/s1_ne_01"
    second = data / "SMIC/HS/s20/micro/negative/s20_ne_01"
    shutil.rmtree(second)
    second.mkdir()
    for file in sorted(first.iterdir())[:3]:  # a clip of another length
        how(file, second / file.name)  # type: ignore[operator]
    first.joinpath("image000999.bmp").write_bytes(sorted(first.iterdir())[0].read_bytes())  # a copy of one's own
    (line,) = check.check(data)["shared"]
    assert line.startswith("3 files of smic/s20 are also in smic/s1")
    assert line in said(check.check(data))


def test_a_prediction_trains_on_a_corpus_that_the_user_named(data: Path, tmp_path: Path) -> None:
    wild.frames("crops", "smic", "image{n:06d}.bmp")(tmp_path / "elsewhere")
    words = ["--predict", "clip.avi", "--paper", "reddy2019", "--cache", str(tmp_path / "cache")]
    words += ["--data", str(data), "--as", f"smic={tmp_path / 'elsewhere'}"]
    study = run_all.studied(arguments.parse(words))
    experiment, why = command._chosen(study, study.chosen[0], None)
    assert experiment.corpora == ("smic",)
    assert experiment.id in why
