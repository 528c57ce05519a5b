"""The twelve networks, each with its port: sizes, corresponding layers, and what is set on the port by hand.

A decision of ours on a point where the text is silent is set on the port as an argument or by hand, and is listed in
`by_hand`. The rest of a port stays as it was written from the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fidelity.records import Size

STEPS, SHORT = 50, 10
"""Training steps, and those of the short comparison."""
KERAS2, PYTORCH = "Keras 2", "PyTorch"


@dataclass(frozen=True)
class Network:
    """A network of a paper: `part` is the attribute of its recipe's networks that trains it.

    `port` builds the second definition for a size. `printed` are training settings that the paper prints. `scales`
    multiply random weights whose names match a pattern: pixels in 0-255 would saturate a softmax, and without small
    factors at the end of residual blocks training multiplies rounding errors. `last` is the last layer with weights.
    """

    name: str
    paper: str
    port: Callable[[Size], Any]
    full: Size
    small: Size
    classes: int = 3
    part: str = "learner"
    last: str = "scores"
    framework: str = KERAS2
    settings: Mapping[str, Any] = field(default_factory=dict)
    printed: Mapping[str, Any] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()


def _ports(size: Size, name: str, **arguments: Any) -> Any:
    """The port `name`; only one of the frameworks is imported."""
    if name == "le2020":
        from fidelity.sides import pytorch_networks

        return pytorch_networks.le2020(size, **arguments)
    from fidelity.sides import keras2_networks

    return getattr(keras2_networks, name)(size, **arguments)


def _sizes(
    shapes: Mapping[str, tuple[int, ...]], rows: int, batch: str = "batch", epochs: str = "epochs", **own: Any
) -> Size:
    return Size(shapes, rows, STEPS, {batch: rows, epochs: STEPS, **own})


REGIONS = ("left_eye", "right_eye", "nose", "left_cheek", "right_cheek", "mouth")
_PRINTED_REGIONS = ((80, 100), (80, 100), (80, 120), (60, 60), (60, 60), (60, 160))
_FULL_REGIONS = {name: (*size, 4) for name, size in zip(REGIONS, _PRINTED_REGIONS, strict=True)}
_SMALL_REGIONS = dict.fromkeys(REGIONS, (8, 12, 4))
_FOCAL = "alpha is 1 - n / N of a class with n of N samples (the text: inverse class frequency, in 0-1)"
_EYES_MOUTH = ("eyes", "mouth")


def _reddy(name: str, kind: str, dense: str, full: Mapping[str, Any], small: Mapping[str, Any]) -> Network:
    by_hand = ["convolutions start with the Glorot spread of Keras 2.0.5 and later"]
    by_hand += (
        ["no dropout of the three outputs"] if kind == "stcnn" else ["linear dense layers, as in the public code"]
    )
    return Network(
        name,
        "reddy2019",
        partial(_ports, name="reddy2019", kind=kind, dense=dense),
        _sizes(full, 1),
        _sizes(small, 2),
        settings={"kind": kind},
        printed={"batch": 8, "epochs": 100},
        by_hand=tuple(by_hand),
    )


def _talluri(
    name: str, kind: str, full: tuple[int, ...], small: tuple[int, ...], by_hand: tuple[str, ...] = (), **printed: Any
) -> Network:
    batch = "model_b_batch" if kind == "model-b" else "batch"
    return Network(
        name,
        "talluri2022",
        partial(_ports, name="talluri2022", kind=kind),
        _sizes({"face": full}, 1, batch),
        _sizes({"face": small}, 2, batch),
        last="scores" if kind == "model-b" else "emotion",
        settings={"kind": kind},
        printed={"epochs": 100, **printed},
        by_hand=by_hand,
    )


def _le(name: str, kind: str, by_hand: tuple[str, ...], scales: Mapping[str, float], small: int = 36) -> Network:
    return Network(
        name,
        "le2020",
        partial(_ports, name="le2020", kind=kind),
        _sizes({"face": (224, 224, 3)}, 1),
        _sizes({"face": (small, small, 3)}, 2),
        classes=4,
        framework=PYTORCH,
        last="predictions",
        settings={"kind": kind},
        printed={"epochs": 30, "learning_rate": 1e-4},
        by_hand=("momentum 0.9", *by_hand),
        scales=scales,
    )


_POOLING = "the gradient of pooling over three axes goes to one of equal values"
_BGR = "pixels are blue, green and red minus the means of ImageNet"
_VARIANCE = "the moving variance is that of the batch, not n / (n - 1) times it"
NETWORKS: tuple[Network, ...] = (
    Network(
        "Region CNNs",
        "aouayeb2019",
        partial(_ports, name="region_cnns"),
        _sizes(_FULL_REGIONS, 1, "cnn_batch", "cnn_epochs"),
        _sizes(_SMALL_REGIONS, 4, "cnn_batch", "cnn_epochs"),
        part="cnns",
        last="mouth_class",
        printed={"cnn_batch": 64, "cnn_epochs": 100},
        by_hand=(_FOCAL, "convolutions keep the size of the map"),
    ),
    Network(
        "LSTM part",
        "aouayeb2019",
        partial(_ports, name="lstm_part"),
        _sizes(_SMALL_REGIONS, 1, "lstm_batch", "lstm_epochs", sequence_length=500),
        _sizes(_SMALL_REGIONS, 4, "lstm_batch", "lstm_epochs", sequence_length=5),
        part="sequences",
        last="emotion",
        printed={"lstm_batch": 244, "lstm_epochs": 60, "sequence_length": 500},
        by_hand=(_FOCAL,),
    ),
    _reddy("MicroExpSTCNN", "stcnn", "relu", {"face": (64, 64, 96, 1)}, {"face": (17, 17, 23, 1)}),
    _reddy(
        "FuseNet, intermediate",
        "intermediate",
        "linear",
        dict.fromkeys(_EYES_MOUTH, (32, 32, 96, 1)),
        dict.fromkeys(_EYES_MOUTH, (17, 17, 23, 1)),
    ),
    _reddy(
        "FuseNet, late",
        "late",
        "linear",
        dict.fromkeys(_EYES_MOUTH, (32, 32, 96, 1)),
        dict.fromkeys(_EYES_MOUTH, (17, 17, 23, 1)),
    ),
    _talluri(
        "Model-A",
        "model-a",
        (36, 128, 128, 1),
        (27, 18, 18, 1),
        (_POOLING, "He normal in the dense layers too"),
        batch=4,
        learning_rate=1e-3,
        momentum=0.9,
    ),
    _talluri(
        "Split-Model",
        "split-model",
        (36, 128, 128, 1),
        (27, 54, 54, 1),
        (_POOLING, "He normal in the dense layers too"),
        batch=4,
        learning_rate=1e-3,
        momentum=0.9,
    ),
    _talluri("Model-B", "model-b", (64, 64, 36, 1), (17, 17, 23, 1), model_b_batch=8),
    _talluri(
        "Model-C",
        "model-c",
        (36, 128, 128, 1),
        (27, 18, 18, 1),
        (_POOLING, "dropout once after both poolings, not after each", "Glorot uniform instead of He normal"),
        batch=4,
        learning_rate=1e-3,
        momentum=0.9,
        model_c_decay=1e-6,
    ),
    Network(
        "ResNet34",
        "kumar2019",
        partial(_ports, name="resnet34"),
        _sizes({"avatar": (224, 224, 3)}, 1),
        _sizes({"avatar": (36, 36, 3)}, 2),
        printed={"batch": 128, "learning_rate": 1e-3, "momentum": 0.9, "halved_every": 5},
        scales={"*_second_normalisation/[bg]*": 0.2},
        by_hand=(
            "weight decay of kernels only, as part of the loss",
            "convolutions start with a spread that depends on fan-out, the dense layer as Glorot uniform",
        ),
    ),
    _le(
        "VGG19",
        "vgg19",
        (_BGR,),
        {"block1_conv1/kernel": 1 / 64},
        32,
    ),
    _le(
        "ResNet50",
        "resnet50",
        (
            _BGR,
            _VARIANCE,
            "stride in the first convolution of a block, biases, and epsilon 1.001e-5, as in keras.applications",
        ),
        {"conv1_conv/*": 1 / 64, "*_3_bn/[bg]*": 0.2, "predictions/*": 1 / 16},
    ),
    _le("SENet50", "senet50", (_BGR, _VARIANCE), {"conv1_7x7_s2/*": 1 / 64, "*_increase_bn/[bg]*": 0.2}),
)
"""aouayeb2019's network has two parts, which are trained one after the other."""


def each(short: bool) -> Iterator[Network]:
    """The networks that are compared; if `short`, with fewer training steps."""
    for network in NETWORKS:
        yield replace(network, small=with_steps(network.small, SHORT)) if short else network


def with_steps(size: Size, steps: int) -> Size:
    """The size with another number of training steps, each of which is an epoch."""
    settings = {name: steps if name.endswith("epochs") else value for name, value in size.settings.items()}
    return replace(size, steps=steps, settings=settings)
