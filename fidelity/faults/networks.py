"""Planted faults: what is wrong, in which network or data step, and the check that must notice it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fidelity.faults.changes import Exchanged, How, Instead, Layers, Patched, Settings

AOUAYEB, REDDY, TALLURI, KUMAR, LE = (
    f"papers.{key}" for key in ("aouayeb2019", "reddy2019", "talluri2022", "kumar2019", "le2020")
)
SHARED = "common.training"


@dataclass(frozen=True)
class Mutation:
    """A fault in a network or data step (`where`), and the `check` that notices it first."""

    what: str
    where: str
    how: How
    check: str


def _swapped_labels(original: Any) -> Any:
    return lambda samples, classes: {"emotion": np.roll(original(samples, classes)["emotion"], 1, axis=1)}


def _inverted_alpha(original: Any) -> Any:
    def targets(*arguments: Any) -> Any:
        made = original(*arguments)
        return np.where(made > 0, 1 - made, 0)

    return targets


def _one_branch(original: Any) -> Any:
    return lambda *arguments: original(*arguments) * np.array([[[1], [0]]], np.float32)


def _with_optimizer(**changes: Any) -> Any:
    """A `training_config` whose optimizer has other settings."""

    def replacement(original: Any) -> Any:
        def config(*arguments: Any) -> Any:
            made = original(*arguments)
            for name, value in changes.items():
                setattr(made.optimizer, name, value)
            return made

        return config

    return replacement


def _two_blocks(original: Any) -> Any:
    from papers.talluri2022 import model

    return lambda *arguments: model.model_a(*arguments, blocks=2)


def _adam(original: Any) -> Any:
    return lambda rate: original(rate, epsilon=1e-3)


MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "first kernel 3 x 3 instead of 5 x 5", "Region CNNs", Layers("conv2d", {"kernel_size": (3, 3)}), "weights"
    ),
    Mutation(
        "first convolution valid instead of same", "Region CNNs", Layers("conv2d", {"padding": "valid"}), "outputs"
    ),
    Mutation("parallel convolutions in reverse order", "Region CNNs", Instead("concatenate", "backwards"), "outputs"),
    Mutation(
        "sum instead of mean over positions", "Region CNNs", Instead("global_average_pooling2d", "sum"), "outputs"
    ),
    Mutation("dropout 0.5 instead of 0.2", "Region CNNs", Layers("dropout*", {"rate": 0.5}), "dropout"),
    Mutation(
        "alpha of the focal loss inverted",
        "Region CNNs",
        Patched(f"{AOUAYEB}.model:focal_targets", _inverted_alpha),
        "loss",
    ),
    Mutation(
        "focal loss without its branch for other classes",
        "LSTM part",
        Patched(f"{AOUAYEB}.model:focal_targets", _one_branch),
        "loss",
    ),
    Mutation("gamma 0 instead of 2", "LSTM part", Settings({"gamma": 0.0}), "loss"),
    Mutation("sigmoid gates, the default since Keras 2.3.0", "LSTM part", Settings({"sigmoid_gates": True}), "outputs"),
    Mutation(
        "hard sigmoid of Keras 3", "LSTM part", Layers("*_lstm", {"recurrent_activation": "hard_sigmoid"}), "outputs"
    ),
    Mutation("input and forget gates exchanged", "LSTM part", Instead("*_lstm", "other gates"), "outputs"),
    Mutation("the LSTMs read backwards", "LSTM part", Layers("*_lstm", {"go_backwards": True}), "outputs"),
    Mutation("forget gates start closed", "LSTM part", Layers("*_lstm", {"unit_forget_bias": False}), "initialisers"),
    Mutation(
        "slope 0.2 instead of 0.3 in the leaky ReLU",
        "LSTM part",
        Layers("leaky_re_lu", {"negative_slope": 0.2}),
        "outputs",
    ),
    Mutation("regions concatenated in reverse order", "LSTM part", Instead("concatenate", "backwards"), "outputs"),
    Mutation("no dropout after the LSTM of one region", "LSTM part", Layers("dropout_3", {"rate": 0.0}), "dropout"),
    Mutation("Adam with epsilon 1e-3", "LSTM part", Patched("keras.optimizers:Adam", _adam), "steps"),
    Mutation(
        "time and width of the kernel exchanged",
        "MicroExpSTCNN",
        Layers("face_convolution", {"kernel_size": (3, 15, 3)}),
        "weights",
    ),
    Mutation(
        "pooling of 2 instead of 3",
        "MicroExpSTCNN",
        Layers("face_pooling", {"pool_size": (2, 2, 2), "strides": (2, 2, 2)}),
        "weights",
    ),
    Mutation(
        "convolution without activation",
        "MicroExpSTCNN",
        Layers("face_convolution", {"activation": "linear"}),
        "outputs",
    ),
    Mutation("dropout before pooling", "MicroExpSTCNN", Exchanged("face_pooling", "face_dropout"), "dropout"),
    Mutation(
        "height and width exchanged before flattening", "MicroExpSTCNN", Instead("face_flatten", "turned"), "outputs"
    ),
    Mutation("time flattened before space", "MicroExpSTCNN", Instead("face_flatten", "time first"), "outputs"),
    Mutation("softmax over the batch", "MicroExpSTCNN", Layers("emotion", {"axis": 0}), "outputs"),
    Mutation(
        "labels moved by one class", "MicroExpSTCNN", Patched(f"{SHARED}.learner:one_hot", _swapped_labels), "loss"
    ),
    Mutation(
        "loss without clipping, as in Keras 3",
        "MicroExpSTCNN",
        Patched(f"{REDDY}.recipe:clipped_crossentropy", lambda original: "categorical_crossentropy"),
        "loss where saturated",
    ),
    Mutation("learning rate 0.02 instead of 0.01", "MicroExpSTCNN", Settings({"learning_rate": 0.02}), "steps"),
    Mutation("batch of 16 instead of 8", "MicroExpSTCNN", Settings({"batch": 16}), "settings"),
    Mutation(
        "normally distributed initial weights",
        "MicroExpSTCNN",
        Layers("dense", {"kernel_initializer": "random_normal"}),
        "initialisers",
    ),
    Mutation(
        "ReLU in the hidden dense layers",
        "FuseNet, intermediate",
        Layers("dense_[12]", {"activation": "relu"}),
        "outputs",
    ),
    Mutation("mouth before eyes", "FuseNet, intermediate", Instead("concatenate", "backwards"), "outputs"),
    Mutation("mouth before eyes", "FuseNet, late", Instead("concatenate", "backwards"), "outputs"),
    Mutation("no dropout before the fusion", "FuseNet, late", Layers("dense_4_dropout", {"rate": 0.0}), "dropout"),
    Mutation(
        "Glorot instead of He",
        "Model-A",
        Layers("convolution_*", {"kernel_initializer": "glorot_uniform"}),
        "initialisers",
    ),
    Mutation(
        "momentum of normalisation 0.9 instead of 0.99",
        "Model-A",
        Layers("normalisation_*", {"momentum": 0.9}),
        "normalisation",
    ),
    Mutation(
        "first convolution without activation", "Model-A", Layers("convolution_1", {"activation": "linear"}), "outputs"
    ),
    Mutation("dropout 0.5 instead of 0.4", "Model-A", Layers("dropout_*", {"rate": 0.5}), "dropout"),
    Mutation("momentum 0.8 instead of 0.9", "Model-A", Settings({"momentum": 0.8}), "settings"),
    Mutation("third block missing", "Split-Model", Patched(f"{TALLURI}.model:split_model", _two_blocks), "weights"),
    Mutation(
        "time and height of the kernel exchanged",
        "Model-B",
        Layers("face_convolution", {"kernel_size": (15, 3, 3)}),
        "weights",
    ),
    Mutation("average instead of max pooling", "Model-C", Instead("pooling_2", "average"), "outputs"),
    Mutation("two convolutions", "Model-C", Settings({"convolutions": 2}), "weights"),
    Mutation(
        "no Nesterov momentum",
        "Model-C",
        Patched(f"{TALLURI}.model:training_config", _with_optimizer(nesterov=False)),
        "steps",
    ),
    Mutation("no decay of the learning rate", "Model-C", Settings({"model_c_decay": 0.0}), "settings"),
    Mutation(
        "stride in the second convolution of a block",
        "ResNet34",
        (
            Layers("stage2_block1_first_convolution", {"strides": (1, 1)}),
            Layers("stage2_block1_second_convolution", {"strides": (2, 2)}),
        ),
        "outputs",
    ),
    Mutation(
        "epsilon of normalisation 1e-3", "ResNet34", Layers("*_normalisation", {"epsilon": 1e-3}), "normalisation"
    ),
    Mutation(
        "momentum of normalisation 0.99", "ResNet34", Layers("*_normalisation", {"momentum": 0.99}), "normalisation"
    ),
    Mutation(
        "a bias in one convolution",
        "ResNet34",
        Layers("stage3_block2_first_convolution", {"use_bias": True}),
        "weights",
    ),
    Mutation("a shortcut missing", "ResNet34", Instead("stage3_block2_sum", "first"), "outputs"),
    Mutation(
        "odd padding at the end, as Keras pads",
        "ResNet34",
        (Instead("stem_padding", "identity"), Layers("stem_convolution", {"padding": "same"})),
        "outputs",
    ),
    Mutation("largest instead of mean over positions", "ResNet34", Instead("average", "largest"), "outputs"),
    Mutation("normalisation before each convolution", "ResNet34", Settings({"normalised_first": True}), "weights"),
    Mutation(
        "ten times the weight decay",
        "ResNet34",
        Patched(f"{KUMAR}.model:WEIGHT_DECAY", lambda decay: 10 * decay),
        "loss",
    ),
    Mutation("rate halved every 10 epochs", "ResNet34", Settings({"halved_every": 10}), "settings"),
    Mutation("ratio 8 of squeeze and excitation", "SENet50", Patched(f"{LE}.senet:RATIO", lambda ratio: 8), "weights"),
    Mutation("excitation without sigmoid", "SENet50", Layers("conv2_1_1x1_up", {"activation": "linear"}), "outputs"),
    Mutation("first pooling rounds down", "SENet50", Instead("pool1_padding", "identity"), "outputs"),
    Mutation(
        "red, green, blue instead of blue, green, red",
        "VGG19",
        Patched(f"{LE}.model:IMAGENET_CAFFE", lambda pixels: pixels._replace(rgb=True)),
        "outputs",
    ),
    Mutation("no dropout between the dense layers", "VGG19", Layers("fc*_dropout", {"rate": 0.0}), "dropout"),
    Mutation("one activation missing", "VGG19", Layers("block3_conv2", {"activation": "linear"}), "outputs"),
    Mutation(
        "stride in the 3 x 3 convolution of a block",
        "ResNet50",
        (Layers("conv3_block1_1_conv", {"strides": (1, 1)}), Layers("conv3_block1_2_conv", {"strides": (2, 2)})),
        "outputs",
    ),
    Mutation(
        "momentum of normalisation 0.99",
        "ResNet50",
        Patched(f"{LE}.model:MOMENTUM", lambda momentum: 0.99),
        "normalisation",
    ),
    Mutation("learning rate 0.001", "ResNet50", Settings({"learning_rate": 1e-3}), "settings"),
)
