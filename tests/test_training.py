"""The best epoch of watched rows, and what a network computes in."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from common.training import learner as learner_module
from common.training.batches import Batches
from common.training.learner import Learner, Validation


def learner(epochs: int, precision: str = "float32") -> Learner:
    def build() -> keras.Model:
        x = keras.Input((2,), name="x")
        hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(8, activation="relu")(x))
        return keras.Model({"x": x}, {"y": keras.layers.Dense(2, activation="softmax", name="y")(hidden)})

    return Learner(
        build,
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.SGD(0.5),
        metrics="accuracy",
        batch=4,
        epochs=epochs,
        seed=1,
        precision=precision,
    )


def test_a_network_is_the_same_whatever_the_process_has_built_before() -> None:
    """Names are part of it: with others TensorFlow was seen to round a step otherwise."""
    first, second = learner(1), learner(1)
    assert [layer.name for layer in first.model.layers] == [layer.name for layer in second.model.layers]
    paths, others = ([variable.path for variable in made.model.variables] for made in (first, second))
    assert paths == others
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.fixture(scope="module")
def data() -> tuple[dict, dict, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    return {"x": x}, {"y": np.eye(2, dtype=np.float32)[y]}, y


def part(x: dict, y: dict, rows: np.ndarray) -> tuple[dict, dict]:
    return {name: values[rows] for name, values in x.items()}, {name: values[rows] for name, values in y.items()}


def test_the_model_ends_with_its_best_epoch(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, y = data
    train, held = np.arange(30), np.arange(30, 60)
    watched = learner(12)
    history = watched.fit(*part(x, targets, train), 5, validation=Validation("y", {"x": x["x"][held]}, y[held]))
    scores = history["val_accuracy"]
    assert len(scores) == len(history["loss"]) == 12
    assert scores[-1] < max(scores), "the example must get worse again, or the test shows nothing"
    answers = watched.predict({"x": x["x"][held]})["y"].argmax(axis=1)
    assert (answers == y[held]).mean() == max(scores)
    # an uninterrupted fit of as many epochs as the best took ends with the same weights
    shorter = learner(scores.index(max(scores)) + 1)
    assert shorter.fit(*part(x, targets, train), 5)["loss"] == history["loss"][: scores.index(max(scores)) + 1]
    for a, b in zip(shorter.model.get_weights(), watched.model.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_fit_may_draw_initial_weights_of_its_own(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, _ = data
    first, second = learner(1), learner(1)
    first._rate = second._rate = lambda _: 0.0  # weights stay as they were drawn

    def drawn(learner: Learner, seed: int, *, redraw: bool) -> bytes:
        learner.fit(x, targets, seed, redraw=redraw)
        return b"".join(weight.tobytes() for weight in learner.model.get_weights())

    usual = drawn(first, 1, redraw=False)
    own = [drawn(first, seed, redraw=True) for seed in (2, 3)]
    assert len({usual, *own}) == 3
    assert drawn(first, 2, redraw=False) == usual
    assert drawn(second, 3, redraw=True) == own[1]  # whatever was trained before


def test_metrics_fetched_once_per_epoch_are_those_of_each_step(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, _ = data
    x, targets = part(x, targets, np.arange(30))
    history = learner(3).fit(x, targets, 5)
    stepwise = learner(3)
    batches = Batches(x, targets, 4, np.random.default_rng(5))
    losses = []
    for _ in range(3):
        rows = [batches[index] for index in range(len(batches))]
        steps = [stepwise.model.train_on_batch(*row, return_dict=True)["loss"] for row in rows]
        losses.append(sum(loss * len(row[0]["x"]) for loss, row in zip(steps, rows, strict=True)) / 30)
        batches.on_epoch_end()
    assert history["loss"] == losses


def test_no_step_hands_its_metrics_to_the_host(
    data: tuple[dict, dict, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, targets, _ = data
    fitted, returned = learner(2), []
    step = fitted.model.train_on_batch
    monkeypatch.setattr(fitted.model, "train_on_batch", lambda *a, **k: returned.append(step(*a, **k)))
    fitted.fit(x, targets, 5)
    assert returned == [{}] * 30
    assert step(x, targets, return_dict=True)["loss"] > 0  # outside a fit it does


def test_rows_kept_on_the_device_train_the_same_network(
    data: tuple[dict, dict, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, targets, _ = data
    images = {"x": (x["x"] * 30 + 128).clip(0, 255).astype(np.uint8)}
    fitted = learner(3)
    usual = fitted.fit(images, targets, 5)
    kept = []

    def on_device(arrays: dict) -> dict:
        kept.append({name: learner_module._OnDevice(values) for name, values in arrays.items()})
        return kept[-1]

    monkeypatch.setattr(learner_module, "_on_device", on_device)
    assert fitted.fit(images, targets, 5) == usual
    assert kept[0]["x"][np.array([4, 2])].shape == (2, 2)
    monkeypatch.undo()
    monkeypatch.setattr(learner_module, "gpus", lambda: 1)
    monkeypatch.setattr(learner_module, "SMALL", 4 * 60 * 2 - 1)
    assert learner_module._on_device(images) is images  # too large
    monkeypatch.setattr(learner_module, "gpus", lambda: 0)
    monkeypatch.setattr(learner_module, "SMALL", 2**30)
    assert learner_module._on_device(images) is images  # no GPU


def test_the_end_of_an_epoch_is_reported_with_its_loss(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, _ = data
    reported: list[tuple[int, int, float]] = []
    history = learner(3).fit(x, targets, 5, lambda *epoch: reported.append(epoch))
    assert reported == [(number, 3, loss) for number, loss in enumerate(history["loss"], start=1)]


def thrown(learner: Learner, at: int) -> Learner:
    """The same learner, thrown off to infinity by one step in epoch `at`, counted from 0."""
    learner._rate = lambda epoch: float("inf") if epoch == at else 0.5
    return learner


def test_an_epoch_that_is_not_finite_is_never_the_best(data: tuple[dict, dict, np.ndarray]) -> None:
    """Answers that are NaN count as the first class, which here is that of every watched row."""
    x, targets, y = data
    train, held = np.arange(30), np.flatnonzero(y == 0)
    validation = Validation("y", {"x": x["x"][held]}, y[held])
    scores = learner(3).fit(*part(x, targets, train), 5, validation=validation)["val_accuracy"]
    assert max(scores) < 1
    lost = thrown(learner(6), 3)
    history = lost.fit(*part(x, targets, train), 5, validation=validation)
    assert history["val_accuracy"][:3] == scores
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(history, 6)
    assert np.isnan([values[3:] for values in history.values()]).all()
    answers = lost.predict(validation.x)["y"].argmax(axis=1)
    assert (answers == 0).mean() == max(scores)
    again = thrown(learner(6), -1).fit(*part(x, targets, train), 5, validation=validation)
    assert np.isfinite(again["loss"]).all()
    assert thrown(learner(6), 0).fit(*part(x, targets, train), 5, validation=validation).keys() == history.keys()


def test_without_a_best_epoch_a_network_ends_as_it_is(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, _ = data
    lost = thrown(learner(4), 2)
    history = lost.fit(x, targets, 5)
    assert np.isfinite(history["loss"]).tolist() == [True, True, False, False]
    assert np.isnan(lost.predict(x)["y"]).all()
    assert np.isfinite(thrown(lost, -1).fit(x, targets, 5)["loss"]).all()  # and does not reach the next fold


def test_watching_changes_no_training(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, y = data
    train, held = np.arange(30), np.arange(30, 60)
    fitted = learner(4)
    watched = fitted.fit(*part(x, targets, train), 5, validation=Validation("y", {"x": x["x"][held]}, y[held]))
    plain = fitted.fit(*part(x, targets, train), 5)
    assert watched["loss"] == plain["loss"]
    assert "val_accuracy" not in plain


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_in_another_precision_weights_and_answers_are_float32(
    data: tuple[dict, dict, np.ndarray], precision: str
) -> None:
    x, targets, _ = data
    usual, other = learner(20), learner(20, precision)
    assert {weight.dtype for weight in other.model.trainable_variables} == {"float32"}
    assert precision.removeprefix("mixed_") in {layer.compute_dtype for layer in other.model.layers}
    assert keras.config.dtype_policy().name == "float32"
    losses = [fitted.fit(x, targets, 1)["loss"] for fitted in (usual, other)]
    answers = other.predict(x)["y"]
    assert answers.dtype == np.float32
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert losses[0] != losses[1]
    assert all(np.mean(loss[10:]) < 0.85 * loss[0] for loss in losses)


def test_answers_of_nested_and_of_other_models_are_float32(data: tuple[dict, dict, np.ndarray]) -> None:
    x, targets, _ = data

    def build() -> keras.Model:
        entry = keras.Input((2,))
        hidden = keras.layers.Dense(8, activation="relu", name="hidden")(entry)
        inner = keras.Model(entry, keras.layers.Dense(2, activation="softmax")(hidden))
        outer = keras.Input((2,), name="x")
        return keras.Model({"x": outer}, {"y": inner(outer)})

    fitted = Learner(
        build,
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.SGD(0.5),
        batch=4,
        epochs=1,
        seed=1,
        precision="mixed_bfloat16",
    )
    fitted.fit(x, targets, 1)
    answers = fitted.predict(x)["y"]
    assert answers.dtype == np.float32
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)  # of bfloat16 four in ten would not
    inner = next(layer for layer in fitted.model.layers if isinstance(layer, keras.Model))
    features = keras.Model(inner.input, {"hidden": inner.get_layer("hidden").output})
    assert features(x["x"])["hidden"].dtype != np.float32
    assert fitted.predict({"x": x["x"]}, keras.Model({"x": inner.input}, features.output))["hidden"].dtype == np.float32


@pytest.mark.slow
def test_memory_stays_flat_over_seventy_folds(capsys: pytest.CaptureFixture[str]) -> None:
    """Of folds of other sizes, with inputs of some MiB, in one process."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 255, (70, 64, 64, 3)).astype(np.uint8)
    classes = np.arange(70) % 3

    def build() -> keras.Model:
        x = keras.Input((64, 64, 3), name="x")
        features = keras.layers.Flatten()(keras.layers.Conv2D(16, 3, strides=4, activation="relu")(x))
        return keras.Model({"x": x}, {"emotion": keras.layers.Dense(3, activation="softmax", name="emotion")(features)})

    fitted = Learner(
        build,
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.Adam(1e-3),
        metrics="accuracy",
        batch=8,
        epochs=3,
        seed=0,
    )
    held = []
    for fold in range(70):
        train = np.arange(70) % (2 + fold % 9) != 0
        targets = {"emotion": np.eye(3, dtype=np.float32)[classes[train]]}
        fitted.fit({"x": images[train]}, targets, fold)
        fitted.predict({"x": images[~train]})
        held.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)
    with capsys.disabled():
        print(f"\nMiB held after folds 1, 10, 40, 70: {', '.join(f'{held[k - 1]:.0f}' for k in (1, 10, 40, 70))}")
    assert held[-1] - held[9] < 10
