"""Dependencies point one way, read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("common/**/*.py"), *ROOT.glob("papers/**/*.py"), ROOT / "run_all.py"])

KERAS = {
    "common/flops.py",
    "common/inside.py",
    "common/keras_setup.py",
    "common/layers.py",
    "common/losses.py",
    "common/predict/networks.py",
    "common/pretrained.py",
    "common/saliency.py",
    "common/training.py",
    "papers/*/model.py",
    "papers/*/recipe.py",
    "papers/le2020/resnet.py",
    "papers/le2020/senet.py",
}
NO_HIGHER = {
    "common/corpora": ("common.runner", "common.report", "common.training", "common.loaders", "common.compare"),
    "common/types.py": ("common",),
    "common/metrics.py": ("common.corpora", "common.runner", "common.report"),
    "common/store.py": ("common.runner", "common.report", "common.training", "common.loaders"),
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


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
        above = ("common.training", "common.loaders", "common.keras_setup")
        assert not any(under(name, keras) for name in names for keras in above)
    for where, forbidden in NO_HIGHER.items():
        if str(relative).startswith(where):
            assert not any(under(name, one) for name in names for one in forbidden)
    if relative.match("common/types.py"):
        assert all(name.split(".")[0] in {*sys.stdlib_module_names, "numpy"} for name in names)


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
    found = {
        str(path.relative_to(ROOT)) for path in MODULES if any(under(name, "tensorflow") for name in imports(path))
    }
    assert found == {"common/keras_setup.py", "common/layers.py"}


def test_listing_imports_no_heavy_library() -> None:
    script = "import sys, run_all; run_all.main(['--list']); print([*sys.modules], file=sys.stderr)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(done.stderr.strip().splitlines()[-1])
    heavy = {"tensorflow", "keras", "cv2", "dlib", "matplotlib", "pandas", "sklearn"}
    assert not heavy & {name.split(".")[0] for name in loaded}
    assert "aouayeb2019" in done.stdout
