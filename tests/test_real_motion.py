"""Stand-ins with real motion: the composite's clips and classes come back, and faces move as the maps show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import papers
import run_all
from common import corpora, standin
from common.cli import arguments
from common.corpora import composite, marker
from common.errors import UserError
from common.report import formatting
from common.runs.selection import barred
from common.scoring.records import Score
from common.scoring.verdicts import judge
from common.standin import casting, layouts, motion, portraits, real_motion, rendering
from common.types import Clip
from common.vision import images
from common.vision.flow import flow, strain

CLASSES = composite.MEGC2019.classes
CLIPS = {  # clip: class, name of its file
    "casme2/sub02/EP01_2": (0, "sub02_EP01_2 .png"),
    "casme2/sub02/EP09_01": (1, "sub02_EP09_01 .png"),
    "casme2/sub02/EP10_11": (0, "sub02_EP10_11 .png"),
    "casme2/sub11/EP15_01f": (2, "sub11_EP15_01f .png"),
    "smic/s3/s3_ne_01": (0, "s03_s03_ne_01 .png"),
    "smic/s13/s13_po_10": (1, "s13_s13_po_10 .png"),
    "samm/006/006_1_2": (0, "006_006_1_2 .png"),
    "samm/028/028_4_1": (0, "028_028_4_1 .png"),
}


def made(seed: int) -> NDArray[np.float32]:
    """A smooth motion (28, 28, 2): three places move, most of the face is still."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((28, 28))
    total = np.zeros((28, 28, 2))
    for _ in range(3):
        y, x = rng.uniform(6, 22, 2)
        bell = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 2.5**2))
        total += bell[..., None] * rng.uniform(-1, 1, 2)
    return total.astype(np.float32)


def stretched(moved: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A map of a motion as published: strain, down and right, each stretched to 0..255."""
    channels = np.dstack([strain(moved), moved[..., 1], moved[..., 0]])
    low, high = channels.min((0, 1)), channels.max((0, 1))
    return np.round((channels - low) / (high - low) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the maps of CLIPS."""
    root = tmp_path_factory.mktemp("maps")
    for seed, (kind, name) in enumerate(CLIPS.values()):
        path = root / name.split("_")[0] / "u_test" / str(kind) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(cv2.imencode(".png", stretched(made(seed)))[1]))
    return root


@pytest.fixture(scope="module")
def written(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-ins of these maps, whole."""
    cache, real = tmp_path_factory.mktemp("cache"), real_motion.read(maps)
    return standin.ensure(cache, corpora=real_motion.CORPORA, subjects=None, clips=None, motion=2, real=real)


def labelled(folder: Path) -> Iterator[tuple[Clip, int]]:
    read = [corpora.load(name, root) for name, root in corpora.find(folder).items()]
    assert not any(corpus.exclusions for corpus in read)
    yield from composite.select(read, composite.MEGC2019).clips


def test_clips_and_classes_of_the_maps_come_back(written: Path) -> None:
    assert {clip.id: kind for clip, kind in labelled(written)} == {key: kind for key, (kind, _) in CLIPS.items()}


def test_documented_frame_numbers_are_the_real_ones(written: Path) -> None:
    read = {clip.id: clip for clip, _ in labelled(written)}
    assert (read["casme2/sub02/EP01_2"].onset, read["casme2/sub02/EP01_2"].offset) == (18, 80)
    assert (read["samm/028/028_4_1"].onset, read["samm/028/028_4_1"].offset) == (1062, 1134)


def test_limits_keep_the_first_subjects_and_alternate_classes(maps: Path) -> None:
    known = real_motion.read(maps).known("casme2")
    roles = casting.recast("casme2", known, 1, 2, 0)
    assert [(role.subject, role.name) for role in roles] == [("02", "EP01_2"), ("02", "EP09_01")]
    assert len(casting.recast("casme2", known, None, None, 0)) == 4
    assert len({role.offset - role.onset for role in casting.recast("casme2", known, 1, 3, 0)[1:]}) == 1


def test_every_class_of_every_corpus_survives_the_emotion_that_is_drawn() -> None:
    for corpus in real_motion.CORPORA:
        known = {("01", f"x_{number}"): CLASSES[number % 3] for number in range(60)}
        roles = casting.recast(corpus, known, None, None, 0)
        assert {(r.subject, r.name): composite.MEGC2019.mapping[corpus][r.emotion] for r in roles} == known
        assert corpus == "smic" or len({role.emotion for role in roles}) > 3


def test_the_folder_and_its_markers_tell_what_it_is(written: Path, maps: Path, tmp_path: Path) -> None:
    real = real_motion.read(maps)
    assert written.name.endswith(f"-real{real.digest}")
    assert marker.kind(*corpora.find(written).values()) == "real-motion"
    other = dataclasses.replace(real, digest="other")
    assert standin.ensure(tmp_path, corpora=(), subjects=1, clips=1, real=other).name.endswith("-realother")
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / marker.MARKER).touch()
    assert marker.kind(written / "SAMM", tmp_path) == "stand-in"
    assert marker.kind(maps) == "licensed"


def test_the_digest_follows_pixels_and_classes(maps: Path, tmp_path: Path) -> None:
    name = CLIPS["samm/006/006_1_2"][1]
    digests = {real_motion.read(maps).digest}
    for kind, pixels in ((0, made(99)), (1, made(99))):
        path = tmp_path / str(kind) / "006" / "u_test" / str(kind) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(cv2.imencode(".png", stretched(pixels))[1]))
        digests.add(real_motion.read(tmp_path / str(kind)).digest)
    assert len(digests) == 3


@pytest.mark.parametrize("name", ["casme_sq", "smic_nir"])
def test_other_corpora_have_no_real_motion(maps: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=name):
        standin.ensure(tmp_path, corpora=(name,), subjects=1, clips=1, real=real_motion.read(maps))


@pytest.mark.parametrize("true", [0.25, 1.0, 3.0])
def test_ratio_and_still_point_come_back_from_the_stretched_channels(true: float) -> None:
    """Stretching loses both; the motion comes back up to its size."""
    for seed in range(5):
        moved = made(seed) * (1, true)
        found = real_motion.field(stretched(moved))
        assert found.dtype == np.float32
        assert 0.9 < np.linalg.norm(found, axis=-1).max() < 1.3
        assert real_motion.correlation(found, moved) > 0.98
        still = np.linalg.norm(moved, axis=-1) < 0.005 * np.linalg.norm(moved, axis=-1).max()
        assert np.abs(found[still]).max() < 0.1


def test_a_map_without_motion_moves_nothing() -> None:
    assert not real_motion.field(np.full((28, 28, 3), 128, np.uint8)).any()


def _face(texture: NDArray[np.uint8]) -> portraits.Portrait:
    """A portrait of 300 x 300 with its eyes 90 pixels apart."""
    marks = np.full((68, 2), 150, np.float32)
    marks[36:42], marks[42:48] = (105, 100), (195, 100)
    return portraits.Portrait(texture, marks, 90.0)


def _frames(face: portraits.Portrait, expression: motion.Expression) -> list[NDArray[np.uint8]]:
    take = motion.Take([expression], expression.onset, expression.offset, 100.0)
    silence = np.zeros((348, 348), np.int16)
    moments = (expression.onset, expression.apex)
    traits = motion.manner(np.random.default_rng(0))
    return list(motion.play(face, traits, take, np.random.default_rng(0), silence, moments))


def test_flow_of_the_frames_is_the_flow_of_the_map() -> None:
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (300, 300)).astype(np.float32), (0, 0), 2)
    face = _face(cv2.normalize(texture, texture, 20, 235, cv2.NORM_MINMAX).astype(np.uint8))
    for seed in range(4):
        field = real_motion.field(stretched(made(seed)))
        first, apex = _frames(face, motion.Expression([], 0.05, 10, 40, 70, field))
        samples = np.stack(np.meshgrid(np.arange(28), np.arange(28)), -1)
        at = ((samples - real_motion.EYES) / real_motion.EYE_DISTANCE * 90 + (150, 100)).astype(np.float32)
        found = cv2.remap(flow(first, apex), at, np.empty(0, np.float32), cv2.INTER_LINEAR)
        inside = (at > 5).all(-1) & (at < 295).all(-1)
        for axis in (0, 1):
            assert real_motion.correlation(found[inside][:, axis], field[inside][:, axis]) > 0.9
        assert np.linalg.norm(found, axis=-1).max() == pytest.approx(0.05 * 90, rel=0.25)


def test_skin_is_not_shaded_where_measured_motion_compresses_it() -> None:
    face = _face(np.full((300, 300), 120, np.uint8))
    field = real_motion.field(stretched(made(0)))
    _, apex = _frames(face, motion.Expression([], 0.05, 10, 40, 70, field))
    _, drawn = _frames(face, motion.Expression(motion.action_units("4+9"), 0.05, 10, 40, 70))
    assert np.ptp(apex) == 0
    assert np.ptp(drawn) > 0


def test_each_clip_plays_its_own_map(written: Path, maps: Path) -> None:
    real = real_motion.read(maps)
    scene = layouts.editions("casme2")[0].scene
    studio = rendering.studio(0, [scene], 2.0, real)
    samples = np.stack(np.meshgrid(np.arange(28), np.arange(28)), -1)
    fields = {key: real_motion.field(pixels) for key, pixels in real.maps.items()}
    for clip in (clip for clip, _ in labelled(written) if clip.corpus == "casme2"):
        subject = clip.subject.removeprefix("sub")
        face = rendering.sitter(studio, "casme2", subject, scene).portrait
        eyes = face.landmarks[36:48].mean(0)
        at = ((samples - real_motion.EYES) / real_motion.EYE_DISTANCE * face.unit + eyes).astype(np.float32)
        frames = (clip.frames[clip.numbers.index(number)] for number in (clip.onset, clip.apex or 0))
        onset, apex = (cv2.cvtColor(images.read(frame), cv2.COLOR_RGB2GRAY).astype(np.uint8) for frame in frames)
        found = cv2.remap(flow(onset, apex), at, np.empty(0, np.float32), cv2.INTER_LINEAR)
        found -= np.median(found, axis=(0, 1))
        likeness = {key: real_motion.correlation(found, field) for key, field in fields.items()}
        assert max(likeness, key=likeness.__getitem__) == f"casme2/{subject}/{clip.name}"
        assert max(likeness.values()) > 0.7


# ---------------------------------------------------------------- the option


def test_a_folder_without_maps_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        words = ["--paper", "see2019", "--real-motion", str(folder), "--out", str(tmp_path / "out")]
        assert run_all.main(words) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert f"--real-motion {folder}" in line


@pytest.mark.parametrize("words", [["--data", "."], ["--check-data", "."], ["--model", "m", "--predict", "."]])
def test_options_that_exclude_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    paper = [] if "--check-data" in words else ["--paper", "see2019"]
    with pytest.raises(SystemExit) as ended:
        run_all.main([*paper, *words, "--real-motion", "."])
    assert ended.value.code == 2
    assert "--real-motion" in capsys.readouterr().err.splitlines()[-1]


def test_faces_move_as_far_as_in_micro_expressions_unless_asked(maps: Path) -> None:
    for more, expected in (([], 1), (["--motion", "3"], 3)):
        words = ["--paper", "see2019", "--profile", "quick", "--real-motion", str(maps), *more]
        study = run_all.studied(arguments.parse(words))
        (chosen,) = study.chosen
        assert (study.kind, chosen.profile.motion) == ("real-motion", expected)
        command = study.command(chosen, 0)
        assert command[command.index("--real-motion") + 1] == str(maps)


def test_only_experiments_with_the_composites_clips_and_classes_can_run(maps: Path) -> None:
    """None sorts clips whose emotion was drawn."""
    study = run_all.studied(arguments.parse(["--all", "--real-motion", str(maps)]))
    kinds = composite.MEGC2019.mapping
    for experiment in (e for key in papers.available() for e in papers.load(key).experiments):
        pairs = {
            (corpus, kinds[corpus][emotion], experiment.labels.mapping[corpus].get(emotion))
            for corpus in experiment.corpora
            if corpus in kinds
            for emotion in kinds[corpus]
        }
        decided = len({pair[:2] for pair in pairs}) == len(pairs)
        within = all(own is None for _, kind, own in pairs if kind is None)
        can = set(experiment.corpora) <= set(kinds) and decided and within
        assert (not barred(study, experiment)) == can, experiment.id
    empty = dataclasses.replace(study, real=dataclasses.replace(study.real, classes={}) if study.real else None)
    assert all(barred(empty, e) for key in papers.available() for e in papers.load(key).experiments)


def test_nothing_that_can_run_is_one_line(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--paper", "reddy2019", "--experiment", "stcnn-casme_sq", "--real-motion", str(maps)]
    assert run_all.main([*words, "--out", str(tmp_path), "--cache", str(tmp_path), "--dry-run"]) == 2
    assert "CASME II, SMIC and SAMM only" in capsys.readouterr().err.strip().splitlines()[-1]


def test_numbers_on_real_motion_earn_no_verdict() -> None:
    """One equal to the printed number, of a whole run, matches on recordings of people alone."""
    paper = papers.load("reddy2019")
    experiment = next(e for e in paper.experiments if e.id == "stcnn-smic/published")
    claim = next(
        c for c in paper.claims if (c.experiment, c.variant, c.metric) == ("stcnn-smic", "published", "accuracy")
    )
    score = Score("accuracy", claim.value, claim.value, claim.value, 0.4, claim.n_clips or 0, 1, 1)
    verdicts = {
        data: judge(experiment, claim, score, done=1, folds=1, profile="paper", data=data).verdict
        for data in (marker.LICENSED, marker.STAND_IN, marker.REAL_MOTION)
    }
    assert verdicts == {"licensed": "MATCH", "stand-in": "NOT_COMPARABLE", "real-motion": "NOT_COMPARABLE"}


def test_the_banner_names_real_motion_and_its_size() -> None:
    banners = {(data, size): formatting.banner(data, size) for data in marker.TEXTS for size in (0, 1, 8)}
    assert len(set(banners.values())) == 5  # without motion it is nobody's
    assert "real motion" in (banners[marker.REAL_MOTION, 1] or "")
    assert formatting.banner(marker.LICENSED, 1) is None


# ---------------------------------------------------------------- what was measured


def test_the_measured_motion_is_that_of_the_maps() -> None:
    """On all clips, as `benchmarks.rendered_motion` stored it for these stand-ins; the page shows these numbers."""
    root = Path(__file__).parents[1]
    stored = json.loads((root / "benchmarks" / "rendered_motion.json").read_text(encoding="utf-8"))
    assert (stored["standin"], stored["clips"], stored["subjects"]) == (standin.REVISION, 442, 68)
    alike, page = stored["correlations"]["all"], (root / "docs/pages/corpora.md").read_text(encoding="utf-8")
    assert alike["horizontal"] >= 0.88
    assert alike["vertical"] >= 0.9
    assert all(f"{alike[channel]:.2f}" in page for channel in alike)
    for name, uf1 in stored["uf1"].items():
        assert uf1["rendered"] > uf1["maps"] - 0.03
        assert f"| {uf1['maps']:.3f} | {uf1['rendered']:.3f} |" in page, name
