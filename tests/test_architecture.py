"""Dependencies point one way, read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("common/**/*.py"), *ROOT.glob("papers/**/*.py"), ROOT / "run_all.py", ROOT / "mer.py"])

KERAS = {
    "common/own.py",
    "common/training/batches.py",
    "common/training/flops.py",
    "common/training/diagnosis.py",
    "common/training/keras_setup.py",
    "common/training/layers.py",
    "common/training/losses.py",
    "common/predict/networks.py",
    "common/predict/onnx_files.py",
    "common/training/pretrained.py",
    "common/training/saliency.py",
    "common/training/single_network.py",
    "common/training/learner.py",
    "common/training/linear.py",
    "mer.py",
    "papers/*/model.py",
    "papers/*/recipe.py",
    "papers/le2020/resnet.py",
    "papers/le2020/senet.py",
}
ROOMS = (
    *("types", "errors", "files", "seeds", "environment", "progress", "json_schema", "contract"),
    *("vision", "corpora", "standin", "protocols", "scoring", "training", "profiles"),
    *("runs", "audit", "report", "bundles", "predict", "cli", "study", "own"),
)
"""What lies in common/, each above those before it."""


def imports(path: Path) -> set[str]:
    names = set()
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _room(path: Path) -> str:
    """What of common/ a file belongs to."""
    return path.relative_to(ROOT / "common").parts[0].removesuffix(".py")


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    relative = path.relative_to(ROOT)
    names = imports(path)
    if relative.parts[0] == "common":
        assert not any(under(name, "papers") or under(name, "run_all") for name in names)
    if not any(relative.match(pattern) for pattern in KERAS):
        assert not any(under(name, heavy) for name in names for heavy in ("keras", "tensorflow"))
        above = ("common.training.learner", "common.training.batches", "common.training.keras_setup")
        assert not any(under(name, keras) for name in names for keras in above)
    if relative.match("common/types.py"):
        assert all(name.split(".")[0] in {*sys.stdlib_module_names, "numpy"} for name in names)


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[len(ROOT.parts)] == "common"], ids=_room)
def test_imports_point_down(path: Path) -> None:
    """Imports for type annotations alone may point up."""
    room = _room(path)
    if room == "__init__":
        return
    for name in imports(path):
        if under(name, "common") and name != "common" and (other := name.split(".")[1]) in ROOMS:
            assert ROOMS.index(other) <= ROOMS.index(room), name


def test_the_order_of_rooms_names_all_of_them() -> None:
    assert {_room(path) for path in ROOT.glob("common/**/*.py")} == {*ROOMS, "__init__"}


def test_only_training_compiles_fits_and_predicts() -> None:
    for path in MODULES:
        if path.name == "training.py" or not any(under(name, "keras") for name in imports(path)):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value).split(".")[-1]
                assert node.func.attr not in {"compile", "train_on_batch", "predict_on_batch"}
                assert node.func.attr not in {"fit", "predict"} or owner not in {"model", "network"}


def test_tensorflow_itself_is_asked_for_two_things_alone() -> None:
    """Whether it has a GPU, and deterministic operations; all else goes through Keras."""
    users = {
        str(path.relative_to(ROOT)) for path in MODULES if any(under(name, "tensorflow") for name in imports(path))
    }
    assert users == {"common/training/keras_setup.py", "common/training/layers.py"}


@pytest.mark.parametrize("option", ["--list", "--audit"])
def test_listing_imports_no_heavy_library(option: str) -> None:
    script = f"import sys, run_all; run_all.main(['{option}']); print([*sys.modules], file=sys.stderr)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(done.stderr.strip().splitlines()[-1])
    heavy = {"tensorflow", "keras", "cv2", "dlib", "matplotlib", "pandas", "sklearn"}
    assert not heavy & {name.split(".")[0] for name in loaded}
    assert "aouayeb2019" in done.stdout
