"""Files other than corpora that the suite stores or is given: results, cache entries, weights, the landmark model.

As in `corpora_files`, each function writes good files and returns a function that damages one of them, reads it and
checks the result.
"""

from __future__ import annotations

import io
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.fuzz.damage import PASSED_OVER, READ, Canary, Case, Read, altered, damaged, repacked
from common.environment import environment
from common.runs.cache import Cache, digest
from common.runs.store import Run
from common.types import FoldResult


def results(folder: Path) -> Case:
    """Files of a run: folds, failures, notes, its description and the plan; sometimes a whole report of them."""
    import papers
    from common.files import write_json
    from common.report.assemble import assemble
    from common.runs.manifest import plan_file, read_plan
    from common.runs.results import Results

    paper = papers.load("aouayeb2019")
    experiment, profile = paper.experiments[0], paper.profiles["quick"]
    paper = replace(paper, experiments=(experiment,))
    run = Run(folder / "runs" / paper.key / experiment.id / "0123456789abcdef")
    folds = ("smic/s1", "samm/006")
    history, cost = {"LSTM part": {"loss": [0.5, 0.25]}}, {"parameters": 12.0, "peak_memory_mib": 3.5}
    answers = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0, 1, 0]], np.float32)
    for fold in folds:
        clips = tuple(f"{fold}/clip{k}" for k in range(3))
        run.save(FoldResult(fold, clips, np.array([0, 1, 2]), answers, history, 0, 1.5, cost, {"python": "3"}))
    run.save_failure("smic/s2", "diverged")
    run.note(["a line"])
    excluded = [{"clip": "smic/s1/x", "reason": "no face", "fault": True}]
    shown = [{"title": "a figure", "caption": "of a clip", "path": "a.png"}]
    run.describe({"key": {}, "folds": folds, "exclusions": excluded, "figures": shown, "preprocessing_seconds": 1.5})
    plan = plan_file(folder, paper, profile, "stand-in", 0)
    corpus = {"name": "smic", "title": "SMIC", "citation": "", "tree": "HS", "table": "", "clips": 3, "subjects": 1}
    odd = {"clip": "smic/s1/x", "column": "a", "printed": "1", "used": "2", "source": "b"}
    record = {
        "data": "/data",
        "options": [["--set", "epochs=3"]],
        "command": ["python"],
        "shortened": [],
        "differences": ["one"],
        "exclusions": excluded,
    }
    record |= {"corpora": [corpus | {"by_emotion": {"x": 3}, "by_class": {"x": 3}}], "corrections": [odd]}
    write_json(plan, record | {"runs": {experiment.id: {"path": run.path.name, "folds": folds}}})
    good = {path: path.read_bytes() for path in [plan, *run.path.rglob("*.json")]}
    environment()  # queries the system, once

    def case(rng: Random) -> Read:
        for path, content in good.items():
            path.write_bytes(content)
        path, reported = rng.choice(sorted(good)), rng.random() < 0.05
        is_fold, sealed = path.parent.name == "folds", rng.random() < 0.6
        if sealed:
            changed = altered(json.loads(good[path]), rng)
            if is_fold:
                changed["digest"] = digest({name: value for name, value in changed.items() if name != "digest"})
            path.write_text(json.dumps(changed), encoding="utf-8")
        else:
            other = rng.choice([good[path], good[path], *good.values()])
            path.write_bytes(other if other != good[path] else damaged(other, rng))

        def read() -> str:
            about, reason, planned = run.description(), run.failure("smic/s2"), read_plan(plan)
            assert all(isinstance(line, str) for line in run.notes())
            found = Results(folder, paper, profile, "stand-in", (0,))
            stored = found.of(experiment)
            pictures = [stored.run.path / "figures" / row["path"] for row in stored.about.get("figures", [])]
            assert all(Path(os.path.normpath(path)).is_relative_to(folder) for path in (stored.run.path, *pictures))
            for fold in folds:
                if result := run.load(fold):
                    _whole(result, fold)
                    assert sealed or (result.probabilities == answers).all(), "damage went unnoticed"
            if reported:
                report = assemble(found)
                scores = [row.score.value for row in report.comparisons if row.score]
                assert np.isfinite([*scores, *report.cost.values()]).all()
            found_all = about and reason and planned and run.notes() and all(map(run.load, folds))
            return READ if found_all else PASSED_OVER

        return read

    return case


def _whole(result: FoldResult, fold: str) -> None:
    """Check that a fold is the requested one, its arrays fit together, and its probabilities are valid."""
    count, p = len(result.clips), result.probabilities
    assert result.fold == fold
    assert all(isinstance(clip, str) for clip in result.clips)
    assert (result.truth.dtype, p.dtype) == (np.int64, np.float32)
    assert result.truth.shape == (count,)
    assert p.ndim == 2
    assert len(p) == count
    assert np.isfinite(p).all()
    assert (p >= 0).all()
    assert np.allclose(p.sum(axis=1), 1, atol=1e-3)
    assert ((result.truth >= 0) & (result.truth < p.shape[1])).all()
    assert all(isinstance(v, list) for metrics in result.history.values() for v in metrics.values())
    numbers = [*result.measured.values(), result.seconds, result.seed]
    assert all(map(math.isfinite, numbers))


def cache(folder: Path) -> Case:
    """Cache entries that are damaged, contain other arrays, or contain a pickle."""
    rng = np.random.default_rng(0)
    held = {"points": rng.random((7, 68, 2), np.float32), "frames": rng.integers(0, 256, (9, 64, 64), np.uint8)}
    where, key = Cache(folder), {"clip": "smic/s1/s1_ne_01"}
    where.arrays("clips", key, lambda: dict(held))
    (path,) = folder.rglob("*.npz")
    good = path.read_bytes()
    np.savez_compressed(packed := io.BytesIO(), points=held["points"], frames=held["frames"])
    np.savez(pickled := io.BytesIO(), points=np.array([Canary(folder.parent / "canary")], object))

    def case(rng: Random) -> Read:
        how, whole = rng.random(), False
        if how < 0.5:
            path.write_bytes(damaged(good, rng))
            whole = True
        elif how < 0.95:
            path.write_bytes(repacked(rng.choice((good, packed.getvalue())), rng))
        else:
            path.write_bytes(rng.choice((pickled.getvalue(), damaged(pickled.getvalue(), rng))))

        def read() -> str:
            arrays, made = where.arrays("clips", key, lambda: dict(held))
            assert all(isinstance(array, np.ndarray) and not array.dtype.hasobject for array in arrays.values())
            if whole or made:
                assert arrays.keys() == held.keys(), f"holds {', '.join(arrays)}"
                assert all(np.array_equal(arrays[name], held[name]) for name in held), "damage went unnoticed"
            return PASSED_OVER if made else READ

        return read

    return case


def weights(folder: Path) -> Case:
    """Weights of Keras in its three formats, and by name in HDF5 and safetensors, for a network of four layers.

    They are damaged, or written to attack the reader.
    """
    from common.training import learner, weights  # imported first, because it keeps TensorFlow quiet

    keras = learner.keras
    import h5py
    from safetensors.numpy import save_file

    from common.training import pretrained, weight_files

    def build(classes: int) -> Any:
        second = keras.layers.BatchNormalization(name="second")  # default names change from layer to layer
        shapes = [keras.Input((12, 12, 3)), keras.layers.Conv2D(4, 3, name="first"), second]
        last = [keras.layers.Flatten(), keras.layers.Dense(classes, name="last")]
        return keras.Sequential([*shapes, *last], name="small")

    network, other = build(3), build(5)
    good: dict[str, bytes] = {}
    for ending in (".weights.h5", ".keras", ".h5"):
        path = folder / f"small{ending}"
        (other.save_weights if ending == ".weights.h5" else other.save)(path)
        good[ending] = path.read_bytes()
    by_name = {".named.h5": weight_files.from_hdf5, ".safetensors": weight_files.from_safetensors}
    arrays = {f"{layer.name}/{weight.name}": weight.numpy() for layer in other.layers for weight in layer.weights}
    save_file(arrays, folder / "small.safetensors")
    with h5py.File(folder / "small.named.h5", "w") as file:
        for layer in other.layers:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [f"{layer.name}/{weight.name}:0".encode() for weight in layer.weights]
            for weight in layer.weights:
                group[f"{layer.name}/{weight.name}:0"] = weight.numpy()
    good |= {ending: (folder / f"small{ending}").read_bytes() for ending in by_name}
    own = [value.copy() for value in network.layers[-1].get_weights()]
    (folder.parent / "secret").write_bytes(b"A" * 2**16)

    def edit(data: bytes, rng: Random) -> bytes:
        """An HDF5 file with one of its parts replaced."""
        with h5py.File(buffer := io.BytesIO(data), "r+") as file:
            items: list[Any] = []
            file.visititems(lambda _, item: items.append(item))
            item = rng.choice([entry for entry in items if isinstance(entry, h5py.Dataset)])
            parent, name, how = item.parent, item.name.rsplit("/", 1)[1], rng.randrange(9)
            shape = item.shape
            if how < 3:
                values = np.full(shape, rng.choice((np.nan, np.inf, 1e300, -1.0)), rng.choice(("f4", "f8", "f2")))
            del parent[name]
            if how < 3:
                parent[name] = values
            elif how == 3:
                parent.create_dataset(
                    name, (2 ** rng.choice((20, 31, 40)), 4), "f4", chunks=(1024, 4), compression="gzip"
                )
            elif how == 4:
                parent.create_dataset(name, shape, "f4", external=[(str(folder.parent / "secret"), 0, 2**16)])
            elif how == 5:
                parent[name] = h5py.ExternalLink(str(folder / "small.h5"), "/")
            elif how == 6:
                parent[name] = rng.choice((h5py.SoftLink("/"), h5py.SoftLink(parent.name), np.bytes_(b"text"), 1.0))
            elif how == 7:
                parent[name] = np.zeros(shape, rng.choice(("f4,i8", "c16", "S4", "i1", "?", "u8")))
            for holder in (file, parent):
                if holder.attrs and rng.random() < 0.4:
                    holder.attrs[rng.choice(sorted(holder.attrs))] = rng.choice(
                        (["../../x"], b"\xff", 7, [[1.5]], "first")
                    )
        return buffer.getvalue()

    def case(rng: Random) -> Read:
        ending = rng.choice(sorted(good))
        ways = {".keras": [damaged, repacked, repacked], ".safetensors": [damaged]}.get(ending, [damaged, edit, edit])
        path = folder / f"case{rng.choice((ending, ending, ending, *good))}"
        path.write_bytes(rng.choice(ways)(good[ending], rng))
        network.layers[-1].set_weights(own)

        def read() -> str:
            try:
                chosen, _ = weights.chosen(str(path)).file("small", [path.suffix])
                if read_named := by_name.get(path.name.removeprefix("case")):
                    pretrained.from_named(network, chosen, read_named, lambda layer, weight: f"{layer}/{weight}")
                else:
                    pretrained.from_file(network, chosen)
            finally:
                path.unlink()
            values = network.get_weights()
            assert all(np.isfinite(value).all() for value in values), "weights that are no numbers"
            assert not any((value == np.frombuffer(b"AAAA", "f4")).any() for value in values), "read from another file"
            assert all(map(np.array_equal, network.layers[-1].get_weights(), own)), "the last layer is not its own"
            return READ

        return read

    return case


def landmarks(folder: Path) -> Case:
    """Files in place of the landmark model, none of which may be opened: the model is identified by its digest."""
    from common.vision.faces import FaceFinder, default_model

    with default_model().open("rb") as file:
        good = file.read(4096)

    def case(rng: Random) -> Read:
        path = folder / "model.dat"
        path.write_bytes(damaged(good, rng))
        finder = FaceFinder(rng.choice((path, path, path, folder, folder / "none")))

        def read() -> str:
            finder.find(np.zeros((40, 40, 3), np.uint8))
            raise AssertionError("another model than the known one was opened")

        return read

    return case
