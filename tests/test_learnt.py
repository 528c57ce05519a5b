"""What networks make of their training clips, and what is seen inside those that did not learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import log_loss

from common.contract import Trained
from common.training import diagnosis, learnt
from common.training.keras_setup import keras
from common.training.learner import Learner, by_clip, one_hot
from common.training.losses import clipped_crossentropy
from common.types import FoldResult, Samples

CLASSES = 3


def samples(count: int = 40, views: int = 1, seed: int = 0) -> Samples:
    """Pictures (6, 6, 1), `views` of each clip, whose brightness tells the class."""
    rng = np.random.default_rng(seed)
    y = np.repeat(rng.permutation(np.arange(count) % CLASSES), views)
    pictures = (40 + 60 * y[:, None, None, None] + rng.integers(0, 40, (len(y), 6, 6, 1))).astype(np.uint8)
    clip = np.repeat([f"smic/s{i % 4}/{i}" for i in range(count)], views)
    subject = np.array([clip_id.rpartition("/")[0] for clip_id in clip])
    return Samples({"face": pictures}, y, subject, clip, np.tile(np.arange(views), count))


def network(dead: int = 0, nested: bool = False, decay: float = 0.0) -> keras.Model:
    """8 channels, of which `dead` give nothing, 5 units and 3 classes, with dropout and normalisation."""
    layers = keras.layers
    bias = keras.initializers.Constant(0.1)
    face = layers.Input((6, 6, 1), name="face")
    decayed = keras.regularizers.L2(decay) if decay else None
    x = layers.Conv2D(8, 3, bias_initializer=bias, kernel_regularizer=decayed)(face)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Flatten()(layers.Dropout(0.5)(x))
    x = layers.Dense(5, activation="relu", bias_initializer=bias)(x)
    out = layers.Dense(CLASSES, activation="softmax")(x)
    whole = keras.Model(face, out) if nested else keras.Model({"face": face}, {"emotion": out})
    normalisation = next(layer for layer in whole.layers if isinstance(layer, layers.BatchNormalization))
    normalisation.beta.assign(np.where(np.arange(8) < dead, -1e6, 0.0))
    if not nested:
        return whole
    entry = layers.Input((6, 6, 1), name="face")
    return keras.Model({"face": entry}, {"emotion": whole(keras.ops.flip(entry, axis=1))})


def learner(build: Any = network, loss: Any = "categorical_crossentropy", epochs: int = 1) -> Learner:
    return Learner(build, loss=loss, optimizer=keras.optimizers.Adam(0.01), batch=8, epochs=epochs, seed=3)


def trained(fitted: Learner) -> Trained:
    return Trained(lambda some: by_clip(some, fitted.predict(some.x)), {}, {"network": fitted.model})


# ---------------------------------------------------------------- answers


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.integers(0, 10**6))
def test_losses_and_shares_are_those_of_other_libraries(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, count)
    probabilities = rng.dirichlet(np.ones(CLASSES), count)
    measured = learnt.of_answers(truth, probabilities)
    counts = np.bincount(truth, minlength=CLASSES)
    assert measured["training_loss"] == pytest.approx(log_loss(truth, probabilities, labels=range(CLASSES)), rel=1e-6)
    assert measured["constant_loss"] == pytest.approx(entropy(counts), abs=1e-12)
    assert measured["largest_share"] == max(counts) / count
    assert measured["training_accuracy"] * count == pytest.approx(sum(probabilities.argmax(axis=1) == truth))
    assert measured["answered_classes"] == len({*probabilities.argmax(axis=1).tolist()})
    assert measured["training_clips"] == count


def test_no_constant_answer_costs_less_than_the_shares_of_the_classes() -> None:
    truth = np.repeat([0, 1, 2], (9, 4, 1))
    least = learnt.of_answers(truth, np.tile([9 / 14, 4 / 14, 1 / 14], (14, 1)))
    assert least["training_loss"] == pytest.approx(least["constant_loss"])
    for answer in np.random.default_rng(0).dirichlet(np.ones(3), 200):
        assert learnt.of_answers(truth, np.tile(answer, (14, 1)))["training_loss"] >= least["constant_loss"]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 80))
def test_chance_ends_where_a_binomial_rarely_comes(clips: int, largest: int, right: int) -> None:
    largest, right = min(largest, clips), min(right, clips)
    share = largest / clips
    tail = sum(math.comb(clips, k) * share**k * (1 - share) ** (clips - k) for k in range(right, clips + 1))
    if abs(tail - learnt.LEVEL) > 1e-9:
        assert learnt.at_chance(right / clips, share, clips) == (tail > learnt.LEVEL)
    if right <= largest:
        assert learnt.at_chance(right / clips, share, clips)


def test_one_class_for_all_clips_is_no_learning_however_many_are_right() -> None:
    truth = np.repeat([0, 1], (90, 10))
    constant = np.eye(2)[np.zeros(100, int)]
    assert learnt.stuck(learnt.of_answers(truth, constant))
    assert not learnt.stuck(learnt.of_answers(truth, np.eye(2)[truth]))


# ---------------------------------------------------------------- a fold


def test_who_learnt_has_no_cause_and_who_did_not_has() -> None:
    some = samples()
    able = learner(epochs=60)
    able.fit(some.x, one_hot(some, CLASSES), 0)
    measured = learnt.measure(trained(able), some, look=True)
    assert measured["training_accuracy"] > 0.9  # a third is chance
    assert measured["training_loss"] < measured["constant_loss"]
    assert not any(name.split()[0] in learnt.CAUSES for name in measured)
    unable = learner(lambda: network(dead=8))
    measured = learnt.measure(trained(unable), some, look=True)
    assert measured["answered_classes"] == 1
    assert measured["dead_units"] >= 8 / 13
    assert measured["gradient_norm"] >= 0


def test_a_fold_is_not_lost_where_its_training_clips_cannot_be_answered() -> None:
    def predict(some: Samples) -> dict[str, np.ndarray]:
        raise RuntimeError("out of memory")

    assert learnt.measure(Trained(predict, {}), samples(), look=True) == {}
    lost = Trained(lambda some: {clip: np.full(CLASSES, np.nan, np.float32) for clip in some.clip.tolist()}, {})
    assert learnt.measure(lost, samples(), look=True) == {}


def test_rows_looked_at_are_few_and_of_all_classes() -> None:
    for count, views in ((200, 1), (5, 3), (90, 2)):
        some = samples(count, views)
        few = learnt.some_clips(some)
        assert len({*few.clip.tolist()}) == min(count, learnt.ROWS)
        assert {*few.y.tolist()} == {*some.y.tolist()}
        assert len(few.y) == views * min(count, learnt.ROWS)  # all rows of a clip
        assert len(learnt.spread(count)) == min(count, learnt.ROWS)


# ---------------------------------------------------------------- inside


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("dead", [0, 3, 8])
def test_dead_units_are_those_that_give_nothing_for_any_row(dead: int, nested: bool) -> None:
    diagnosed = learner(lambda: network(dead, nested))
    some = samples(20)
    model = diagnosed.model.layers[-1] if nested else diagnosed.model
    relu = next(layer for layer in model.layers if isinstance(layer, keras.layers.ReLU))
    hidden = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense))
    entry, pixels = model.inputs[0], some.x["face"][:, :: -1 if nested else 1] / np.float32(255)
    seen = keras.Model(entry, [relu.output, hidden.output]).predict_on_batch(pixels)
    expected = [not part[..., unit].any() for part in seen for unit in range(part.shape[-1])]
    causes = diagnosis.causes(trained(diagnosed), some, CLASSES)
    assert causes["dead_units"] == pytest.approx(np.mean(expected))
    assert sum(expected[:8]) >= dead


@pytest.mark.parametrize("loss", ["categorical_crossentropy", clipped_crossentropy])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_the_gradient_is_that_of_the_backend(loss: Any, decay: float) -> None:
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the other computation of the gradient is TensorFlow's")
    diagnosed = learner(lambda: network(decay=decay), loss)
    some = samples(30)
    diagnosed.fit(some.x, one_hot(some, CLASSES), 1)
    with tf.GradientTape() as tape:
        answers = diagnosed.model({"face": some.x["face"][:] / np.float32(255)}, training=False)["emotion"]
        wanted = one_hot(some, CLASSES)["emotion"]
        each = clipped_crossentropy(wanted, answers) if callable(loss) else keras.losses.get(loss)(wanted, answers)
        mean = tf.reduce_mean(each)  # without the weights' own loss
    gradients = tape.gradient(mean, [weight.value for weight in diagnosed.model.trainable_variables])
    expected = math.sqrt(sum(float((np.asarray(part, np.float64) ** 2).sum()) for part in gradients))
    assert diagnosis.causes(trained(diagnosed), some, CLASSES)["gradient_norm"] == pytest.approx(expected, rel=1e-4)


def test_the_model_and_all_that_it_is_trained_with_stay_as_they_are() -> None:
    some = samples()
    diagnosed, other = learner(), learner()
    targets = one_hot(some, CLASSES)
    diagnosed.fit(some.x, targets, 5)
    state = [
        keras.ops.convert_to_numpy(v).copy() for v in (*diagnosed.model.variables, *diagnosed.model.optimizer.variables)
    ]
    losses, outputs = dict(diagnosed.model.loss), dict(diagnosed.model.output)
    diagnosis.causes(trained(diagnosed), some, CLASSES)
    for before, variable in zip(state, (*diagnosed.model.variables, *diagnosed.model.optimizer.variables), strict=True):
        np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(variable))
    assert (diagnosed.model.loss, diagnosed.model.output) == (losses, outputs)
    assert not any(layer.output._keras_history.operation is not layer for layer in diagnosed.model.layers)
    again, undisturbed = diagnosed.fit(some.x, targets, 9), other.fit(some.x, targets, 9)
    assert again == undisturbed
    for weights, expected in zip(diagnosed.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, expected)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_what_is_seen_of_a_network_in_16_bits_is_computed_in_32(precision: str) -> None:
    some = samples()
    exact = learner(lambda: network(dead=2, nested=True))
    optimizer = keras.optimizers.Adam(0.01)
    rough = Learner(lambda: network(2, True), loss="categorical_crossentropy", optimizer=optimizer, batch=8, epochs=1,
                    seed=3, precision=precision)  # fmt: skip
    rough.model.set_weights(exact.model.get_weights())
    causes = diagnosis.causes(trained(rough), some, CLASSES)
    assert causes == pytest.approx(diagnosis.causes(trained(exact), some, CLASSES))
    assert set(causes) == {"dead_units", "gradient_norm"}


def test_several_models_are_named_and_what_cannot_be_had_is_left_out() -> None:
    diagnosed = learner()
    plain = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    some = samples(10)
    models = {"network": diagnosed.model, "head": plain}
    causes = diagnosis.causes(Trained(lambda test: {}, {}, models), some, CLASSES)
    assert set(causes) == {"dead_units network", "gradient_norm network"}
    strange = Samples({"face": some.x["face"][:, :3]}, some.y, some.subject, some.clip, some.view)
    assert diagnosis.causes(trained(diagnosed), strange, CLASSES) == {}
    bare = keras.Model({"face": (entry := keras.layers.Input((6, 6, 1), name="face"))},
                       {"emotion": keras.layers.Dense(3)(keras.layers.Flatten()(entry))})  # fmt: skip
    assert diagnosis.causes(Trained(lambda test: {}, {}, {"bare": bare}), some, CLASSES) == {}


def test_scaled_inputs_are_those_that_the_network_was_trained_on() -> None:
    diagnosed = learner()
    some = samples(16)
    scaled = Trained(lambda test: {}, {}, {"network": diagnosed.model}, {"face": (1 / 255, 0.0)})
    assert diagnosis.causes(scaled, some, CLASSES) == pytest.approx(
        diagnosis.causes(trained(diagnosed), some, CLASSES), rel=1e-4
    )
    far = Trained(lambda test: {}, {}, {"network": diagnosed.model}, {"face": (1 / 255, 100.0)})
    assert diagnosis.causes(far, some, CLASSES) != pytest.approx(diagnosis.causes(scaled, some, CLASSES), rel=1e-2)


# ---------------------------------------------------------------- several folds


def fold(measured: dict[str, float]) -> FoldResult:
    return FoldResult("f", ("c",), np.array([0]), np.eye(3, dtype=np.float32)[:1], {}, 0, 1.0, measured, {})


def test_a_summary_is_the_mean_of_the_folds_that_were_measured() -> None:
    rng = np.random.default_rng(1)
    truth = np.arange(30) % 3
    some = [learnt.of_answers(truth, rng.dirichlet(np.ones(3), 30)) for _ in range(3)]
    some[0] |= {"dead_units cnn": 0.25, "gradient_norm": 0.5}
    some[2] |= {"dead_units cnn": 0.75}
    summary = learnt.summary([fold(measured) for measured in (*some, {"flops": 3.0})])
    assert summary is not None
    assert summary.folds == 3
    assert summary.accuracy == pytest.approx(np.mean([measured["training_accuracy"] for measured in some]))
    assert summary.loss == pytest.approx(np.mean([measured["training_loss"] for measured in some]))
    assert summary.causes == {"dead_units cnn": 0.5, "gradient_norm": 0.5}
    assert summary.stuck == sum(learnt.stuck(measured) for measured in some)
    assert learnt.summary([fold({"flops": 3.0, "peak_memory_mib": 1.0})]) is None
    assert learnt.summary([]) is None
