"""The environment of a result: versions, machine, source code."""

from __future__ import annotations

import ast
import contextlib
import ctypes
import functools
import hashlib
import math
import os
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("common/contract.py", "common/errors.py", "common/corpora/", "common/standin/")
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "dlib-bin", "pillow", "scikit-image")
IN_PLACE = ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Other packages that provide the module cv2; they are listed if installed."""


def environment() -> dict[str, str]:
    """Versions of the packages that compute results, and the machine."""
    facts = {"python": platform.python_version(), "platform": platform.platform()}
    facts |= {"processor": processor(), "cores": str(os.cpu_count())}
    for package in (*PACKAGES, *IN_PLACE):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            if package in PACKAGES:
                facts[package] = "not installed"
    return facts | {"keras backend": backend()}


def processor() -> str:
    """The name of the processor; on systems other than Linux this may be only its family."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


@contextlib.contextmanager
def without_stderr() -> Iterator[None]:
    """Silence the stderr of the process, including what C libraries write there."""
    saved, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)


def backend() -> str:
    """The Keras backend in use."""
    return os.environ.get("KERAS_BACKEND") or "tensorflow"


def repeats_results() -> bool:
    """Whether a fold that is trained twice gives the same predictions, provided its code carries nothing over.

    True with TensorFlow, whose operations `common.training.learner` makes deterministic, and with JAX on a CPU.
    """
    if backend() != "jax":
        return backend() == "tensorflow"
    import jax

    return bool(jax.default_backend() == "cpu")


def sources(files: Iterable[str]) -> tuple[str, ...]:
    """Source files and all modules of the suite that they import, directly or not, relative to the project's root.

    The contract, errors, the corpora and a paper's experiments are left out, because the values they define are part
    of a key anyway. Imports that serve only for annotations are left out too.
    """
    seen: dict[str, None] = {}
    waiting = list(files)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen[name] = None
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        tree.body = [node for node in tree.body if not _is_for_types(node)]
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            # `from common import apex` names a module too, but `from common.apex import spot` does not
            for module in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                file = module.replace(".", "/") + ".py"
                own = module.startswith(("common.", "papers.")) and not file.endswith("/experiments.py")
                if own and (ROOT / file).is_file() and not file.startswith(LEFT_OUT):
                    waiting.append(file)
    return tuple(sorted(seen))


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def code_digest(files: Iterable[str]) -> str:
    """SHA-256 (hex) of source files, relative to the project's root; comments, docstrings and layout do not count."""
    digest = hashlib.sha256()
    for name in files:
        digest.update(_bare((ROOT / name).read_text(encoding="utf-8")))
    return digest.hexdigest()


@functools.cache
def _bare(code: str) -> bytes:
    """Source code without comments, docstrings and layout; cached, as a study needs the same files many times."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[0].value = ast.Constant("")
    return ast.dump(tree).encode()


NETWORKS_BEFORE = "networks_before"
"""How many networks a process had built before that of a fold. It keeps memory of each until it ends."""
MEMORY_BEFORE = "memory_before_mib"
"""The memory of the process before a network was built and its clips were loaded, left from other work."""


def peak_memory_mib() -> float:
    """Peak memory of this process in MiB, since `forget_peak_memory` or, where that is unsupported, since its start.

    NaN where the system does not report it (Windows).
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        try:
            import resource
        except ImportError:
            return math.nan
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1024 / (1024 if platform.system() == "Darwin" else 1)


def forget_peak_memory() -> None:
    """Reset `peak_memory_mib`, where the system supports it (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def return_freed_memory() -> None:
    """Make the C library return memory that was freed to the system, where it keeps such memory (glibc)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
