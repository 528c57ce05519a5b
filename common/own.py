"""A method that is given as two functions: one prepares a clip, one makes a network.

It becomes what a folder below papers/ is, a `Paper` with its modules, so that it is trained, checked and reported by
the same code.
"""

from __future__ import annotations

import dis
import hashlib
import io
import pickle
import sys
import sysconfig
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.contract import Paper, Parts, Profile, Recipe, Reference, Settings, Shapes
from common.corpora import grounds
from common.corpora.grounds import Ground
from common.environment import ROOT, code_digest, sources
from common.errors import UserError
from common.profiles import on_ground
from common.protocols.splits import BY_SUBJECT, LOSO
from common.types import Arrays, Clip, ClipFrames, Experiment, Samples, one_row_each
from common.vision import plain_figures
from common.vision.faces import FaceFinder
from common.vision.images import frames_of, read_frame

if TYPE_CHECKING:
    import keras

    from common.training.single_network import TrainingConfig

How = Callable[[ClipFrames, FaceFinder], NDArray[Any] | Arrays]
"""Prepares a clip: returns its input `x`, or several inputs by name."""
Make = Callable[[Shapes, int], "keras.Model"]
"""Makes a network from the shape of one clip's input, by name, and the number of classes."""
ALONE = "x"
"""The name of an input that has none of its own."""
_LIBRARIES = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@dataclass(frozen=True)
class Inputs:
    """Nothing: the function that prepares clips has its own settings."""


@dataclass(frozen=True)
class Network:
    """Nothing: the function that makes the network has its own settings."""


@dataclass(frozen=True)
class Training:
    """How the network is trained; a compiled one keeps its optimizer and loss."""

    epochs: int
    batch: int
    precision: str = "float32"


def paper(name: str, training: Training, ground: Ground, protocol: str = LOSO) -> Paper:
    """A method as a paper that prints no numbers, with one experiment on a common ground and the profile `paper`."""
    experiment = Experiment(
        name="composite",
        variant="loso",
        title=name,
        corpora=grounds.DEFAULT.corpora,
        labels=grounds.DEFAULT.labels,
        protocol=grounds.DEFAULT.protocol,
        selection="last epoch",
        leak_free=True,
        network=name,
        common_ground=True,
    )
    whole = Paper(
        key=name,
        title=name,
        authors="your own method",
        venue="not published",
        year=0,
        url="",
        summary="A method that is given as functions.",
        images="raw",
        experiments=(experiment,),
        profiles={"paper": Profile("paper", Settings(Inputs(), Network(), training))},
        claims=(),
        cited=(),
        facts={"published": False},
        departures=(),
        reference=Reference("misc", (), {}),
    )
    whole = whole if ground is grounds.DEFAULT else on_ground(whole, ground)
    if protocol in BY_SUBJECT:
        return whole
    by_clip = replace(
        whole.experiments[0],
        variant=protocol.partition(",")[0].replace(" ", "-"),
        protocol=protocol,
        leak_free=False,
        common_ground=False,
        note="Folds are by clip: clips of one person are in training and in test.",
    )
    return replace(whole, experiments=(by_clip,))


# ---------------------------------------------------------------- its modules


@dataclass(frozen=True)
class Preparation:
    """A preprocess module: `how` prepares clips, `declared` is the shape of each input."""

    how: How
    declared: Mapping[str, tuple[int, ...]]

    def prepare(self, clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
        """The arrays of a clip by input. Raises TypeError for what is no array."""
        made = self.how(clip, faces)
        named = made if isinstance(made, Mapping) else {ALONE: made}
        for name, values in named.items():
            if kind := wrong_kind(values):
                raise TypeError(f"the function that prepares clips returns {kind} as {name!r}, not an array of numbers")
        return {name: _as_float32(values) for name, values in named.items()}

    def shapes(self, settings: Settings) -> Shapes:
        """The shape of one clip by input."""
        return self.declared

    def assemble(self, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
        """Samples with one row per clip."""
        return one_row_each(clips, {name: stacked(name, clips, arrays) for name in arrays[0]})


@dataclass(frozen=True)
class Given:
    """Stands for a function that prepares clips where arrays are given: `files` by input, `row` by `fingerprint`."""

    files: Mapping[str, Path]
    row: Mapping[str, int]

    def __call__(self, clip: ClipFrames, faces: FaceFinder) -> Arrays:
        """The arrays of a clip, found by what the clip shows, since its name is not known here."""
        row = self.row[fingerprint(clip)]
        return {name: np.array(np.load(file, mmap_mode="r")[row]) for name, file in self.files.items()}


def given(clips: Sequence[Clip], arrays: Mapping[str, NDArray[Any]], folder: Path) -> Given:
    """Write arrays with a row per clip to `folder`. Raises UserError if two clips show the same with other arrays."""
    row: dict[str, int] = {}
    for place, clip in enumerate(clips):
        same = row.setdefault(fingerprint(frames_of(clip)), place)
        if same != place and any(not np.array_equal(values[same], values[place]) for values in arrays.values()):
            raise UserError(f"{clips[same].id} and {clip.id} show the same frames, but have other arrays")
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"given-{name}.npy" for name in arrays}
    for name, values in arrays.items():
        np.save(files[name], _as_float32(values))
    return Given(files, row)


def fingerprint(clip: ClipFrames) -> str:
    """SHA-256 (hex) of the first frame of a clip and its times."""
    times = clip.corpus, clip.numbers, clip.onset, clip.apex, clip.offset, clip.fps
    return hashlib.sha256(repr(times).encode() + read_frame(clip, 0).tobytes()).hexdigest()


def wrong_kind(values: Any) -> str:
    """What this is instead of an array of numbers; empty for such an array."""
    if not isinstance(values, np.ndarray):
        return type(values).__name__
    return "" if values.dtype.kind in "fiub" else f"an array of {values.dtype}"


def _as_float32(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype == np.uint8 else values.astype(np.float32)


def stacked(name: str, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays]) -> NDArray[Any]:
    """The arrays of an input, (clips, ...). Raises UserError if a clip lacks it or has another shape than the first."""
    first = arrays[0][name].shape
    for (clip, _), own in zip(clips, arrays, strict=True):
        shape = own[name].shape if name in own else None
        if shape != first:
            raise UserError(
                f"{clip.id}: input {name!r} has the shape {shape}, that of {clips[0][0].id} {first}; all clips need "
                "inputs of one shape"
            )
    return np.stack([own[name] for own in arrays])


@dataclass(frozen=True)
class Made:
    """A model module whose network is made by a function."""

    name: str
    make: Make
    declared: Mapping[str, tuple[int, ...]]
    classes: int

    def build(self, network: Network, shapes: Shapes, classes: int) -> keras.Model:
        """The network with inputs and the output "emotion" by name. Raises UserError if it has others."""
        import keras

        model = self._made(shapes, classes)
        inputs = {tensor.name: tensor for tensor in model.inputs}
        if len(inputs) == len(shapes) == 1:
            inputs = dict(zip(shapes, model.inputs, strict=True))
        wrong = {name: tuple(tensor.shape[1:]) for name, tensor in inputs.items()}
        if wrong != dict(shapes):
            raise UserError(f"the network has the inputs {wrong}, the clips {dict(shapes)}")
        named = not isinstance(model, keras.Sequential) and isinstance(model.output, dict)
        outputs = model.output if named else dict(zip(("emotion", "a second one"), model.outputs, strict=False))
        told = {name: tuple(tensor.shape[1:]) for name, tensor in outputs.items()}
        if told != {"emotion": (classes,)}:
            raise UserError(f"the network must have one output of {classes} probabilities, called emotion, not {told}")
        if not named or not isinstance(model.input, dict) or set(model.input) != set(shapes):
            model = keras.Model(inputs, outputs, name=model.name)
        grey = {name: np.full((1, *shape), 0.5, np.float32) for name, shape in shapes.items()}
        total = float(keras.ops.sum(model(grey, training=False)["emotion"]))
        if not abs(total - 1) < 0.01:
            raise UserError(f"the network's outputs for a clip sum to {total:.3g}, not to 1: end it with a softmax")
        return model

    def _made(self, shapes: Shapes, classes: int) -> keras.Model:
        import keras

        model = self.make(dict(shapes), classes)
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise UserError(f"{type(model).__name__} is no keras.Model that begins with keras.Input(shapes[...])")
        return model

    def training_config(self, network: Network, training: Training) -> TrainingConfig:
        """How the network is compiled; Adam and cross-entropy if it is not. Raises UserError for sparse labels."""
        import keras

        from common.training.single_network import TrainingConfig

        model = self._made(self.declared, self.classes)
        optimizer, loss = keras.optimizers.Adam(1e-3), "categorical_crossentropy"
        if model.compiled:
            optimizer = model.optimizer.from_config(model.optimizer.get_config())
            loss = model.loss["emotion"] if isinstance(model.loss, dict) else model.loss
        called = str(getattr(loss, "name", loss))
        if "sparse" in called.lower():
            raise UserError(
                f"the network is compiled with {called}, but classes are one-hot: use categorical_crossentropy"
            )
        return TrainingConfig(self.name, optimizer, training.batch, training.epochs, loss)


def parts(name: str, preparation: Preparation, make: Make | None, classes: int) -> Callable[[], Parts]:
    """A function that returns the modules of a method, here as well as in other processes."""
    import cloudpickle

    return partial(_parts, cloudpickle.dumps(preparation), partial(_recipe, name, cloudpickle.dumps(make), classes))


def code() -> tuple[str, ...]:
    """The source files of this suite that determine the predictions of a method, besides its own functions."""
    return sources(
        ("common/own.py", "common/training/single_network.py", "common/protocols/splits.py", "common/runs/folds.py")
    )


def _parts(stored: bytes, recipe: Callable[[Preparation], Recipe]) -> Parts:
    preparation: Preparation = pickle.loads(stored)  # made by this run
    return Parts(preparation, plain_figures, partial(recipe, preparation))


def _recipe(name: str, make: bytes, classes: int, preparation: Preparation) -> Recipe:
    from common.training import keras_setup  # noqa: F401  # first: reading `make` imports Keras
    from common.training.single_network import SingleNetwork

    return SingleNetwork(name, Made(name, pickle.loads(make), preparation.declared, classes))


# ---------------------------------------------------------------- what results depend on


def digest(function: Callable[..., Any]) -> str:
    """SHA-256 (hex) of a function and all that it uses: its code, defaults, and functions, classes and values by name.

    Comments and layout do not count, nor do libraries; of this suite, source files do. Raises UserError for a value
    whose content cannot be written.
    """
    stream = io.BytesIO()
    try:
        _Writer(stream).dump(function)
    except Exception as error:  # any error of a value of any kind
        name, why = getattr(function, "__qualname__", "a function"), " ".join(str(error).split())[:200]
        text = f"{name} uses a value that cannot be compared between runs ({why}); make it inside the function"
        raise UserError(text) from error
    return hashlib.sha256(stream.getvalue()).hexdigest()


class _Writer(pickle.Pickler):
    """Writes values to be compared, never to be read: functions, classes and modules by their content."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, protocol=5)
        self._known: dict[int, int] = {}

    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, types.FunctionType | types.CodeType | types.ModuleType | type):
            return None
        if id(value) in self._known:  # functions may call themselves
            return f"number {self._known[id(value)]}"
        self._known[id(value)] = len(self._known)
        return self._content(value)

    def _content(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, types.CodeType):
            return value.co_code, value.co_names, value.co_consts
        module = value.__name__ if isinstance(value, types.ModuleType) else value.__module__
        name = f"{module}.{getattr(value, '__qualname__', '')}"
        file = _own_file(module)
        if file and file.is_relative_to(ROOT) and module.split(".")[0] in ("common", "papers", "mer"):
            return name, code_digest(sources([file.relative_to(ROOT).as_posix()]))
        if file is None and module != "__main__":
            return (name,)
        if isinstance(value, types.ModuleType):
            return name, file.read_bytes() if file else b""
        if isinstance(value, type):
            return name, sorted((key, member) for key, member in vars(value).items() if callable(member))
        used = [(name, value.__globals__[name]) for name in _names(value.__code__) if name in value.__globals__]
        closed = [cell.cell_contents for cell in value.__closure__ or ()]
        return value.__code__, value.__defaults__, value.__kwdefaults__, used, closed


def _names(code: types.CodeType) -> list[str]:
    """The names of globals that code uses, including functions inside it, sorted."""
    inner = [name for part in code.co_consts if isinstance(part, types.CodeType) for name in _names(part)]
    own = [step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    return sorted({*own, *inner})


def _own_file(module: str) -> Path | None:
    """The source file of a module that belongs to no library; None for all others."""
    name = getattr(sys.modules.get(module), "__file__", None)
    file = Path(name).resolve() if name else None
    return file if file and not any(file.is_relative_to(library) for library in _LIBRARIES) else None
