"""Bundles: what goes in, what does not, what others can verify, and what is refused."""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import guessing as guesses
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import papers
import run_all
from benchmarks.forgery import base, judging
from benchmarks.forgery.table import ALONE, BESIDE, DRILLS, Drill
from common.bundles import archive, build, compare, private, released
from common.bundles import verify as verification
from common.bundles.archive import BundleError
from common.bundles.checks_data import expected
from common.bundles.read import _fold, read
from common.bundles.records import CLAIMED, CONSISTENT, CORROBORATED, FAILED, BundleRun
from common.bundles.schema import FOLD, FOLD_FIELDS, HEAD, HEAD_FIELDS, RUN_FIELDS, SCORE_FIELDS
from common.errors import UserError
from common.json_schema import parsed
from common.report.assemble import assemble
from common.runs.results import Results
from common.runs.store import Run
from common.scoring import metrics
from common.scoring.records import Score
from common.types import FoldResult
from results import __main__ as writing

ROOT = Path(__file__).parents[1]
EXPERIMENTS = (
    *("stcnn-smic/loso", "stcnn-smic/loso+no-motion", "stcnn-smic/loso+metadata"),
    *("stcnn-smic/published", "stcnn-smic/published+metadata"),
)
PAPER = ("--paper", "reddy2019", "--profile", "smoke", "--experiment", *EXPERIMENTS, "--seeds", "2")


def run(out: Path, cache: Path, *words: str) -> int:
    return run_all.main([*PAPER, *words, "--out", str(out), "--cache", str(cache)])


@pytest.fixture(scope="module")
def finished(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the results of a smoke run on stand-ins, of a recipe that learns nothing."""
    out = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papers, "parts", guesses.fickle)
        patch.setattr(import_module("common.report.write"), "page", lambda report: b"%PDF")
        assert run(out, cache, "--workers", "1") == 0
    return out


@pytest.fixture(scope="module")
def made(finished: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of these results."""
    path = tmp_path_factory.mktemp("made") / "own.zip"
    assert run(finished, cache, "--bundle", str(path)) == 0
    return path


def records(path: Path) -> dict[str, Any]:
    return archive.contents(path)


def packed(path: Path, contents: dict[str, Any]) -> Path:
    head = {name: value for name, value in contents[HEAD].items() if name != "files"}
    runs = {name: record for name, record in contents.items() if name != HEAD}
    path.write_bytes(archive.packed(archive.sealed(head, runs)))
    return path


def verified(*paths: Path) -> tuple[verification.Verified, ...]:
    return verification.verify(paths, papers.load, released.read())


# ---------------------------------------------------------------- building


def test_what_goes_in_is_listed_and_the_file_verifies(
    finished: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(finished, cache, "--bundle", str(tmp_path / "own.zip")) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in EXPERIMENTS:
        for seed in (0, 1):
            assert sum(line.startswith(f"{name} seed {seed}:") for line in lines) == 1
    assert lines[-1].startswith("wrote ")
    assert run_all.main(["--verify", str(tmp_path / "own.zip")]) == 0
    assert "consistent; stand-ins" in capsys.readouterr().out


def test_equal_results_give_equal_bytes(made: Path, finished: Path, cache: Path, tmp_path: Path) -> None:
    assert run(finished, cache, "--bundle", str(tmp_path / "again.zip")) == 0
    assert (tmp_path / "again.zip").read_bytes() == made.read_bytes()


def test_a_bundle_is_plain_data(made: Path, finished: Path) -> None:
    bundle = read(made)
    assert (bundle.paper, bundle.data, bundle.profile, bundle.seeds) == ("reddy2019", "stand-in", "smoke", (0, 1))
    assert set(bundle.experiments) == set(EXPERIMENTS)
    paper = papers.load("reddy2019")
    profile = paper.profiles["smoke"]
    report = assemble(Results(finished, paper, profile, "stand-in", (0,)))  # intervals of one seed, as in a bundle
    for row in (*report.comparisons, *report.controls):
        if row.score and f"{row.experiment}/{row.variant}" in EXPERIMENTS:
            (own, *_) = bundle.of(f"{row.experiment}/{row.variant}")
            assert own.scores[row.corpus, row.metric] == replace(row.score, caution="")
    for own in bundle.runs:
        assert set(own.truth) == {clip for clip in bundle.digests if clip in own.truth}
        assert own.settings["training"]["epochs"] == 2
        (about,) = (
            file.parent
            for file in finished.glob(f"runs/reddy2019/{own.experiment}/*/run.json")
            if json.loads(file.read_text(encoding="utf-8"))["key"]["seed"] == own.seed
        )
        for fold in own.folds:
            stored_fold = Run(about).load(fold.fold)
            assert stored_fold is not None
            assert fold.probabilities.tobytes() == stored_fold.probabilities.tobytes()
            assert (fold.history, fold.seconds) == (stored_fold.history, stored_fold.seconds)


ELSEWHERE = """
import sys
from pathlib import Path
import run_all
from benchmarks.forgery import judging
from common.bundles import archive

assert not any(name.startswith(("tensorflow", "keras")) for name in sys.modules)
status = run_all.main(["--verify", sys.argv[1], "--json"])
records = archive.contents(Path(sys.argv[1]))
for record in records.values():
    record.update({"scores": []} if "scores" in record else {})
judging.renew(records)
Path(sys.argv[2]).write_bytes(archive.packed(judging.files_of(records)))
print(run_all.__file__, file=sys.stderr)
sys.exit(status)
"""


def test_another_copy_of_the_project_gives_the_same_scores_byte_for_byte(made: Path, tmp_path: Path) -> None:
    """In another process, with an empty home and another working directory, from the predictions alone."""
    clone, home, work = (tmp_path / name for name in ("clone", "home", "work"))
    for name in ("common", "papers", "benchmarks", "results"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("run_all.py", "pyproject.toml"):
        shutil.copy(ROOT / name, clone / name)
    home.mkdir()
    work.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(clone)}
    command = [sys.executable, "-c", ELSEWHERE, str(made), str(tmp_path / "again.zip")]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == str(clone / "run_all.py")
    (result,) = json.loads(done.stdout)["bundles"]
    assert (result["tier"], result["standing"]) == ("consistent", "stand-in")
    assert (tmp_path / "again.zip").read_bytes() == made.read_bytes()
    assert not [*home.iterdir(), *work.iterdir()]


IMAGES = (
    *(b"\xff\xd8\xff" + kind for kind in (b"\xe0", b"\xe1", b"\xdb", b"\xee")),
    *(b"\x89PNG", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*", b"ftyp", b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba"),
)
"""How image and video files begin: JPEG, PNG, GIF, WebP and AVI, TIFF, MP4, Matroska, MPEG."""
PATHS = re.compile(rb"""(?:^|["'\s=:,])((?:/|~/|[A-Za-z]:[/\\]+)\w[\w.-]*)""")


def traces_of(content: bytes, names: Iterable[str]) -> list[str]:
    """Images and videos, as they are and in base64 at any offset, absolute paths, and any of these names."""
    shown = [content]
    for text in re.findall(rb"[A-Za-z0-9+/]{16,}", content):
        shown += [base64.b64decode(text[cut : cut + (len(text) - cut) // 4 * 4]) for cut in range(4)]
    found = [repr(start) for start in IMAGES if any(start in part for part in shown)]
    found += [path.decode() for path in PATHS.findall(content)]
    return found + [name for name in names if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])".encode(), content.lower())]


@pytest.mark.parametrize(
    "content",
    [
        *(b'"' + b"x" * shift + start + b'"' for shift, start in enumerate(IMAGES)),
        *(b'"' + base64.b64encode(b"x" * shift + start + bytes(9)) + b'"' for shift, start in enumerate(IMAGES)),
        *(b'"/home/x"', b'"~/x"', b'"C:/x"', b'"C:\\\\x"', b'" /data"', b'"by Somebody"', b'"a-somebody_b"'),
    ],
)
def test_the_scan_of_the_next_test_finds_everything(content: bytes) -> None:
    assert traces_of(content, ["somebody"])


def test_no_path_no_name_and_no_image_is_in_a_bundle(
    made: Path, finished: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as it was written, nor of somebody else's run, whose folders have their names."""
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    monkeypatch.setattr("socket.gethostname", lambda: "hers.example.org")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    assert set(private.own_names()) == {"somebody", "hers.example.org", "hers"}
    out = tmp_path / "home" / "somebody" / "hers"
    shutil.copytree(finished, out)
    assert run(out, cache, "--bundle", str(tmp_path / "own.zip")) == 0
    names = {*private.own_names(), str(ROOT), str(finished), str(cache), str(tmp_path)}
    for path in (made, tmp_path / "own.zip"):
        with zipfile.ZipFile(path) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
            entries = opened.infolist()
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert not any(entry.comment or entry.extra for entry in entries)
        for name, content in files.items():
            assert traces_of(content, names) == [], name
            assert not [*private.scan(json.loads(content), private.own_names())]
    numbers = [name for record in records(made).values() for name in record if name in ("onset", "apex", "numbers")]
    assert not numbers


def test_bundling_needs_finished_results_of_this_code(
    finished: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = ("--bundle", str(tmp_path / "own.zip"))
    assert run(tmp_path / "nothing", cache, *target) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setattr(build, "code_digest", lambda files: "0" * 64)
    assert run(finished, cache, *target) == 2
    assert "other source code" in capsys.readouterr().err
    assert not (tmp_path / "own.zip").exists()


def test_an_unfinished_experiment_is_left_out(finished: Path, cache: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    next(out.glob("runs/reddy2019/stcnn-smic/loso/*/folds/*.json")).unlink()
    assert run(out, cache, "--bundle", str(tmp_path / "own.zip")) == 0
    assert "left out, not finished: stcnn-smic/loso seed" in capsys.readouterr().out
    assert sum(own.experiment == "stcnn-smic/loso" for own in read(tmp_path / "own.zip").runs) == 1


@pytest.mark.parametrize(
    "text",
    [
        "see /home/somebody/data",
        "in C:\\Users\\somebody",
        "~/corpora",
        "file:///x",
        "\\\\server\\share",
        "by Somebody",
        "/9j/4AAQSkZJRg",
        "iVBORw0KGgo",
        "RIFF\x00\x10\x00\x00AVI LIST",
        "data:image/png",
    ],
)
def test_the_scan_finds_paths_names_and_images(text: str) -> None:
    assert [*private.scan({"runs": [{"caveats": [text]}]}, ("somebody",))]


@pytest.mark.parametrize(
    "text", ["80/20 once, by clip", "smic/s1/s1_ne_01", "Intel(R) Core(TM) i7", "somebodys", "a / b"]
)
def test_the_scan_passes_ordinary_text(text: str) -> None:
    assert not [*private.scan({"caveats": [text]}, ("somebody",))]


def test_nothing_is_written_with_a_path_in_it(made: Path) -> None:
    contents = records(made)
    next(record for name, record in contents.items() if name != HEAD)["folds"][0]["caveats"] = ["from /data/x"]
    head = {name: value for name, value in contents[HEAD].items() if name != "files"}
    with pytest.raises(UserError, match="nothing was written"):
        build.check(archive.sealed(head, {name: record for name, record in contents.items() if name != HEAD}))


# ---------------------------------------------------------------- reading and verifying


def test_every_forgery_of_a_bundle_is_noticed_or_listed() -> None:
    assert len(DRILLS) >= 30
    assert len({drill.name for drill in DRILLS}) == len(DRILLS)
    assert all(bool(drill.check) != bool(drill.why) for drill in DRILLS)
    for runs in (base.SMIC, base.COMPOSITE):
        for against in (ALONE, BESIDE):
            assert not judging.noticed(Drill("nothing", "", runs=runs, against=against))


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_forgery_is_noticed_by_its_check(drill: Drill) -> None:
    found = {finding.check for finding in judging.noticed(drill)}
    assert (drill.check in found) if drill.check else not found


@pytest.mark.parametrize(
    "drill", [drill for drill in DRILLS if drill.against == ALONE and not drill.whole], ids=lambda drill: drill.name
)
def test_a_forgery_of_a_smoke_run_is_noticed_too(drill: Drill, made: Path) -> None:
    found = {finding.check for finding in judging.noticed(drill, records(made))}
    assert (drill.check in found) if drill.check else not found


def test_two_data_folders_that_agree_corroborate_each_other(tmp_path: Path) -> None:
    paths = [packed(tmp_path / f"{who}.zip", base.contents(who=who)) for who in ("first", "second")]
    for result in verified(*paths):
        assert result.tiers["stcnn-smic/loso"] == CORROBORATED
        assert result.tiers["stcnn-smic/published"] == CONSISTENT  # a single seed
        assert result.tier == result.standing == CONSISTENT
    alone = verified(paths[0])[0]
    assert set(alone.tiers.values()) == {CONSISTENT}


@pytest.mark.parametrize("change", ["same folder", "other files", "other scores", "one seed"])
def test_what_does_not_corroborate(change: str, tmp_path: Path) -> None:
    contents = base.contents(who="second")
    if change == "same folder":
        contents[HEAD]["copy"] = base.contents(who="first")[HEAD]["copy"]
    elif change == "other files":
        clip = next(iter(contents[HEAD]["digests"]))
        contents[HEAD]["digests"][clip] = ["0" * 64, contents[HEAD]["digests"][clip][1]]
    elif change == "other scores":
        for record in (record for name, record in contents.items() if name != HEAD):
            for fold in record["folds"]:
                fold["probabilities"] = [
                    [0.9 if k == label else 0.05 for k in range(3)] if place else row
                    for place, (label, row) in enumerate(zip(fold["truth"], fold["probabilities"], strict=True))
                ]
        judging.renew(contents)
    else:
        second = (EXPERIMENTS[0], 1)
        contents = {n: r for n, r in contents.items() if n == HEAD or (r["experiment"], r["seed"]) != second}
    paths = [packed(tmp_path / "a.zip", base.contents()), packed(tmp_path / "b.zip", contents)]
    for result in verified(*paths):
        assert result.tiers[EXPERIMENTS[0]] == CONSISTENT
        assert any(finding.check == "corroboration" for finding in result.findings)


def test_stand_ins_never_count_next_to_published_numbers(made: Path, tmp_path: Path) -> None:
    (result,) = verified(made)
    assert (result.tier, result.standing) == (CONSISTENT, "stand-in")
    contents = records(made)
    contents[HEAD]["data"] = "licensed"
    (relabelled,) = verified(packed(tmp_path / "relabelled.zip", contents))
    assert relabelled.bundle is not None
    assert relabelled.bundle.profile == "smoke"  # which a report never compares either
    assert any(finding.check == "settings" for finding in relabelled.findings)


def test_the_exit_status_and_lines_are_those_of_the_worst(made: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty.zip").write_bytes(b"")
    assert run_all.main(["--verify", str(made), str(tmp_path / "empty.zip"), str(tmp_path / "missing.zip")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(" failed " in line for line in lines) == 2
    assert [line for line in lines if line.startswith("own.zip: consistent")]


def test_a_bundle_of_an_unknown_paper_or_version_is_one_line(made: Path, tmp_path: Path) -> None:
    for name, value, check in (("paper", "nobody1999", "paper"), ("schema", 2, "format"), ("format", "x", "format")):
        contents = copy.deepcopy(records(made))
        contents[HEAD][name] = value
        (result,) = verified(packed(tmp_path / "other.zip", contents))
        (finding,) = result.findings
        assert (finding.kind, finding.check, result.tier) == (FAILED, check, CLAIMED)


@settings(max_examples=60)
@given(st.data())
def test_damaged_files_are_refused_or_verified_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(_small())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = Path(_folder(), "damaged.zip")
    path.write_bytes(content)
    for result in verified(path):
        assert result.bundle is not None or result.failed


@settings(max_examples=60)
@given(st.data())
def test_records_of_other_values_are_refused_or_verified(data: st.DataObject) -> None:
    """Any value of a record replaced by another: no exception, and a score that changes is noticed."""
    contents = copy.deepcopy(archive.contents(_small_file()))
    place: Any = contents[data.draw(st.sampled_from(sorted(contents)))]
    values = (None, True, -1, 0, 2**40, 1e308, -0.5, "", "x" * 400, "../..", "smic/s1/s1_ne_01", [], {}, [[]], 3)
    for _ in range(6):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            place[key] = copy.deepcopy(data.draw(st.sampled_from(values)))
            break
        place = place[key]
    try:
        packed(Path(_folder(), "other.zip"), contents)
    except (TypeError, AttributeError):  # a record that is no record any more
        return
    for result in verified(Path(_folder(), "other.zip")):
        assert result.tier in (CLAIMED, CONSISTENT)


_STORE: dict[str, Path] = {}


@pytest.fixture(scope="module", autouse=True)
def _small_bundle(tmp_path_factory: pytest.TempPathFactory) -> None:
    _STORE["folder"] = tmp_path_factory.mktemp("damaged")
    packed(_STORE["folder"] / "small.zip", base.contents((("stcnn-smic/published", 0),)))


def _folder() -> Path:
    return _STORE["folder"]


def _small_file() -> Path:
    return _STORE["folder"] / "small.zip"


def _small() -> bytes:
    return _small_file().read_bytes()


def test_too_large_a_file_is_not_read(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(BundleError, match="larger"):
        read(made)


@pytest.mark.parametrize("apart", [0.0, 0.5])
def test_means_agree_within_the_spread_of_seeds(apart: float, tmp_path: Path) -> None:
    first = read(packed(tmp_path / "a.zip", base.contents()))
    contents = base.contents(who="second")
    for name, record in contents.items():
        if name != HEAD:
            for score in record["scores"]:
                score["value"] -= apart
    second = read(packed(tmp_path / "b.zip", contents))
    assert bool(compare.disagreement(first, second, EXPERIMENTS[0])) == bool(apart)


def test_seeds_of_a_classifier_without_randomness_may_be_the_same(tmp_path: Path) -> None:
    """And it has no history; a network has one, and its seeds differ."""
    for key, experiment, tier in (
        ("see2019", "composite-loso/published", CONSISTENT),
        ("kumar2019", "composite-loso/published", CLAIMED),
    ):
        contents = base.contents([(experiment, seed) for seed in (0, 1)], key=key)
        first, second = (contents[name] for name in sorted(contents) if name != HEAD)
        for own, other in zip(second["folds"], first["folds"], strict=True):
            own["probabilities"] = other["probabilities"]
        judging.renew(contents)
        (result,) = verified(packed(tmp_path / f"{key}.zip", contents))
        assert result.tier == tier, result.failed
        assert {finding.check for finding in result.failed} == ({"seeds"} if tier == CLAIMED else set())


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        ({}, set()),
        ({"kernel": "1x1x1"}, {"settings"}),
        ({"frames": 18}, {"settings"}),
        ({"uf1": 1.5}, {"settings"}),
        ({"epochs": 2}, {"histories"}),
    ],
)
def test_a_search_for_settings_is_that_of_the_experiment(
    change: dict[str, Any], checks: set[str], tmp_path: Path
) -> None:
    """Folds without sizes and with trials of its space; `change` is of a trial, or of the length of the histories."""
    paper = papers.load("reddy2019")
    (experiment,) = (e for e in paper.experiments if e.id == "stcnn-smic/tuned-loso")
    contents = base.contents([(experiment.id, 0)])
    (own,) = (record for name, record in contents.items() if name != HEAD)
    known = own["settings"]["inputs"] | own["settings"]["network"] | own["settings"]["training"]
    for fold in own["folds"]:
        fold["measured"] = {}
        trial = {name: change.get(name, known[name]) for name in (*experiment.space, *({"frames"} & {*change}))}
        fold["trials"] = [{"settings": trial, "uf1": change.get("uf1", 0.5), "log_loss": 1.0}]
        for curves in fold["history"].values():
            curves |= {name: values[: change.get("epochs", len(values))] for name, values in curves.items()}
    (result,) = verified(packed(tmp_path / "own.zip", contents))
    assert {finding.check for finding in result.failed} == checks


def disagreements(seeds: int, rates: tuple[float, float], repeats: int) -> float:
    """The share of repeats in which two bundles, of networks with these rates of right answers, do not agree.

    The 12 scores are those of predictions of the composite, with clips independent of each other.
    """
    rng = np.random.default_rng(seeds)
    sizes = {"smic": (70, 51, 43), "casme2": (88, 32, 25), "samm": (92, 26, 15)}
    empty = read(_small_file())

    def run(seed: int, rate: float) -> BundleRun:
        off = (1 - rate) / 2
        parts = {
            name: np.stack([rng.multinomial(n, np.roll([rate, off, off], i)) for i, n in enumerate(counts)])
            for name, counts in sizes.items()
        }
        scores = {
            (name, metric): Score(metric, float(value(matrix)), None, None, None, int(matrix.sum()), 1, 1)
            for name, matrix in {**parts, "megc2019": np.sum([*parts.values()], axis=0)}.items()
            for metric, value in (("uf1", metrics.uf1), ("uar", metrics.uar), ("accuracy", metrics.accuracy))
        }
        return replace(empty.runs[0], experiment="x/y", seed=seed, scores=scores)

    apart = 0
    for _ in range(repeats):
        first, second = (
            replace(empty, copy=copy_id, runs=tuple(run(seed, rate) for seed in range(seeds)))
            for copy_id, rate in zip("ab", rates, strict=True)
        )
        why = compare.disagreement(first, second, "x/y")
        assert not why or "standard errors" in why
        apart += bool(why)
    return apart / repeats


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_honest_repeats_agree_in_all_scores_at_once(seeds: int) -> None:
    assert disagreements(seeds, (0.8, 0.8), 400) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_other_networks_disagree_once_there_are_seeds_enough() -> None:
    assert disagreements(5, (0.8, 0.6), 20) == 1


def test_clips_of_one_recording_may_share_its_file(tmp_path: Path) -> None:
    contents = base.contents()
    digests = contents[HEAD]["digests"]
    first, second = sorted(clip for clip in digests if clip.startswith("smic/s1/"))[:2]
    other = next(clip for clip in digests if not clip.startswith("smic/s1/"))
    for clip, annotation, fails in ((second, "01", False), (second, "00", True), (other, "01", True)):
        changed = copy.deepcopy(contents)
        changed[HEAD]["digests"][first] = ["0" * 64, "00"]
        changed[HEAD]["digests"][clip] = ["0" * 64, annotation]
        (result,) = verified(packed(tmp_path / "own.zip", changed))
        assert any(finding.check == "digests" for finding in result.findings)
        assert bool(result.failed) == fails


def test_a_published_list_of_classes_shows_exchanged_ones(tmp_path: Path) -> None:
    contents = base.contents(base.COMPOSITE)
    run_record = next(record for name, record in contents.items() if name != HEAD)
    names = ("negative", "positive", "surprise")
    listed = {clip: names[label] for clip, label in run_record["clips"]}
    swapped = next(drill for drill in DRILLS if drill.name.startswith("Two clips of the composite"))
    swapped.forge(contents)
    judging.renew(contents)
    path = packed(tmp_path / "own.zip", contents)
    assert verified(path)[0].tier == CONSISTENT
    (result,) = verification.verify([path], papers.load, released.read(), listed)
    assert {finding.check for finding in result.failed} == {"labels"}


@pytest.mark.parametrize("key", papers.available())
def test_published_counts_are_known_for_every_corpus_but_one(key: str) -> None:
    for experiment in papers.load(key).experiments:
        for corpus in experiment.collected_from or experiment.corpora:
            releases = expected(corpus, experiment.labels)
            assert bool(releases) == (not corpus.startswith("casme_sq")), experiment.id
            for counts, subjects in releases:
                assert set(counts) <= set(experiment.labels.classes)
                assert counts.total() > subjects > 0


# ---------------------------------------------------------------- what is committed


def test_the_source_code_of_this_version_is_listed() -> None:
    """If this fails, run `python -m results --release`: bundles name the code by these digests."""
    assert released.read()[released.current()] == writing.digests()


def test_relabelled_trainings_go_into_a_bundle_and_back() -> None:
    answers = np.eye(3, dtype=np.float32)[[0, 2]]
    result = FoldResult("s", ("smic/s/a", "smic/s/b"), np.array([0, 1]), answers, {}, 0, 1.0, {}, {})
    assert "relabelled" not in build.fold_record(result)
    record = build.fold_record(replace(result, relabelled=np.array([[0, 1], [2, 2], [1, 0]])))
    back = _fold("run", parsed(json.dumps(record), FOLD), 0)
    assert back.relabelled is not None
    assert back.relabelled.tolist() == [[0, 1], [2, 2], [1, 0]]
    for wrong in ([[0]], [[0, 3]], [[0, -1]]):
        with pytest.raises(BundleError, match="other clips or classes"):
            _fold("run", parsed(json.dumps(record | {"relabelled": wrong}), FOLD), 0)
    with pytest.raises(ValueError, match="unexpected format"):
        parsed(json.dumps(record | {"relabelled": [["0", "1"]]}), FOLD)


def test_committed_bundles_verify() -> None:
    paths = archive.bundles_in(ROOT / "results")
    assert all(result.tier != CLAIMED for result in verified(*paths))


def test_the_page_names_every_field_check_and_tier() -> None:
    text = (ROOT / "docs" / "pages" / "bundles.md").read_text(encoding="utf-8")
    for fields in (HEAD_FIELDS, RUN_FIELDS, FOLD_FIELDS, SCORE_FIELDS):
        assert all(f"`{name}`" in text for name in fields)
    assert all(f"`{drill.check}`" in text for drill in DRILLS if drill.check)
    assert all(f"**{tier}**" in text for tier in (CLAIMED, CONSISTENT, CORROBORATED))


@pytest.mark.parametrize(
    "words",
    [
        ("--bundle", "x.zip"),
        ("--bundle", "x.zip", "--all"),
        ("--bundle", "x.zip", "--paper", "reddy2019", "kumar2019"),
        ("--bundle", "x.zip", "--paper", "reddy2019", "--dry-run"),
        ("--bundle", "x.zip", "--verify", "y.zip"),
        ("--verify", "y.zip", "--data", "somewhere"),
        ("--verify", "y.zip", "--paper", "reddy2019"),
        ("--verify",),
    ],
)
def test_options_that_do_not_go_together(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main([*words])
    assert stopped.value.code == 2


# ---------------------------------------------------------------- hostile files


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archived:
        for number in range(archive.MOST_FILES + 1):
            archived.writestr(f"run-{number}.json", "")


def _one_large(path: Path) -> None:
    """A run that would be parsed to millions of lists."""
    _with_run(path, b"[" + b"[]," * (archive.MOST_FILE_BYTES // 3) + b"[]]")


def _with_run(path: Path, content: bytes) -> None:
    files = judging.files_of(records(_small_file()))
    path.write_bytes(archive.packed({**files, "run-0001.json": content}))


def _zip_in_zip(path: Path) -> None:
    content = _small()
    for _ in range(3):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as outer:
            outer.writestr("bundle.zip", content)
        content = buffer.getvalue()
    path.write_bytes(content)


def _encrypted(path: Path) -> None:
    content = bytearray(_small())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def _long_number(path: Path) -> None:
    _with_run(path, b'{"seed":' + b"9" * 100_000 + b"}")


def _surrogate(path: Path) -> None:
    files = judging.files_of(records(_small_file()))
    text = files["run-0001.json"].replace(b'"caveats":[]', b'"caveats":["\\ud800"]')
    head = {name: value for name, value in json.loads(files[HEAD]).items() if name != "files"}
    digests = {"run-0001.json": archive.sha256(text)}
    path.write_bytes(archive.packed({HEAD: archive.as_json({**head, "files": digests}), "run-0001.json": text}))


def _with_mark(path: Path) -> None:
    """The mark that some editors put at the beginning of a text."""
    _with_run(path, b"\xef\xbb\xbf{}")


def _packed_again(path: Path) -> None:
    """By a program that stores times, after somebody has looked into it."""
    with zipfile.ZipFile(_small_file()) as opened, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archived:
        archived.writestr("own/", "")
        for name in opened.namelist():
            archived.writestr(f"own/{name}", opened.read(name))


def _folder_of(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _json_alone(path: Path) -> None:
    path.write_bytes(judging.files_of(records(_small_file()))[HEAD])


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (_many, "2000"),
        (_one_large, "larger than 32 MiB"),
        (_zip_in_zip, "bundle.json"),
        (_encrypted, "encrypted"),
        (_long_number, "not valid JSON"),
        (_surrogate, "not valid JSON"),
        (_with_mark, "not valid JSON"),
        (_packed_again, "bundle.json"),
        (_folder_of, "not a file"),
        pytest.param(_pipe, "not a file", marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")),
        (_json_alone, "not a readable ZIP file"),
    ],
)
def test_a_hostile_file_ends_in_one_clear_line(make: Any, named: str, tmp_path: Path, capsys: Any) -> None:
    make(tmp_path / "hostile.zip")
    assert run_all.main(["--verify", str(tmp_path / "hostile.zip")]) == 1
    printed = capsys.readouterr()
    line, tier = printed.out.splitlines()
    assert line.startswith("hostile.zip: failed format: ")
    assert named in line
    assert tier == "hostile.zip: claimed"
    assert not printed.err


def test_another_version_of_the_format_is_named(tmp_path: Path) -> None:
    contents = records(_small_file())
    contents[HEAD] = {**contents[HEAD], "schema": 2, "a field of that version": 1}
    (result,) = verified(packed(tmp_path / "later.zip", contents))
    (finding,) = result.findings
    assert "version 2" in finding.text


def test_many_failed_checks_are_not_as_many_lines(tmp_path: Path) -> None:
    contents = copy.deepcopy(base.contents())
    for name, record in contents.items():
        if name != HEAD:
            for fold in record["folds"]:
                fold["seconds"] = -1.0
    (result,) = verified(packed(tmp_path / "own.zip", contents))
    lines = verification.lines([result])
    assert len(result.failed) > 2 * verification.SHOWN
    assert len(lines) < 2 * verification.SHOWN
    assert sum("more" in line for line in lines) == 1
    assert len(verification.record([result])["bundles"][0]["findings"]) == len(result.findings)


@pytest.mark.parametrize("limit", ["MOST_PREDICTIONS", "MOST_IN_ALL"])
def test_more_predictions_than_any_study_has_are_not_scored(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.bundles.read." + limit, 10)
    (result,) = verified(_small_file())
    (finding,) = result.findings
    assert finding.check == "format"
    assert "more than 10" in finding.text
