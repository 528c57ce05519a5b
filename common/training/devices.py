"""The devices that networks are trained on: `--device`, and one GPU for each of several processes.

TensorFlow, JAX and PyTorch read environment variables when they start, so a device is chosen before they are imported.
Processes that are started later inherit the choice.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from common.environment import backend
from common.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
ASKED = "MER_DEVICE"
"""The variable that holds `--device`, so that the backend can be checked when it starts."""
_FORM = re.compile(r"cpu|gpu(:\d+(,\d+)*)?")


def is_device(text: str) -> bool:
    """Whether `text` is "cpu", "gpu", or "gpu:" with the numbers of GPUs, each once."""
    numbers = _numbers(text)
    return bool(_FORM.fullmatch(text)) and len(set(numbers)) == len(numbers)


def choose(text: str) -> None:
    """Let this process, and those that it starts, use the device `text`, as `is_device` accepts it.

    GPUs are numbered from 0, among those in CUDA_VISIBLE_DEVICES if it is set, else in the order of nvidia-smi.
    Raises UserError if CUDA_VISIBLE_DEVICES has fewer; whether they exist is checked when the backend starts.
    """
    if text == "cpu":
        os.environ.pop(ASKED, None)
        os.environ |= {VISIBLE: "-1", "JAX_PLATFORMS": "cpu"}
        return
    allowed, numbers = _allowed(), _numbers(text)
    if allowed is None:
        if numbers:
            os.environ[VISIBLE] = ",".join(map(str, numbers))
            _number_by_bus()
    elif max(numbers, default=0) >= len(allowed):
        raise UserError(f"--device {text}: {VISIBLE} lists too few GPUs: {len(allowed)}")
    elif numbers:
        os.environ[VISIBLE] = ",".join(allowed[number] for number in numbers)
    os.environ[ASKED] = text


def check(found: int) -> None:
    """Raise UserError if `--device` asks for GPUs and the backend has found fewer; `found` is their number."""
    if asked := os.environ.get(ASKED):
        wanted = len(_allowed() or [""])
        if found < wanted:
            raise UserError(
                f"--device {asked}: {backend()} finds {found or 'no'} GPU; nvidia-smi lists the GPUs of this machine, "
                "and docs/pages/machines.md the packages to install; --device cpu needs no GPU"
            )


def gpus() -> list[str]:
    """The GPUs that processes may be pinned to, as CUDA_VISIBLE_DEVICES names them; no backend is imported."""
    allowed = _allowed()
    return _listed() if allowed is None else allowed


def pin(process: int, among: Sequence[str]) -> None:
    """Let this process, counted from 0, use one of several GPUs; if there is a single GPU, all processes share it."""
    if len(among) > 1:
        if VISIBLE not in os.environ:
            _number_by_bus()
        os.environ[VISIBLE] = among[process % len(among)]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _allowed() -> list[str] | None:
    """The entries of CUDA_VISIBLE_DEVICES up to the first invalid one, as CUDA reads it; None if it is not set."""
    if (text := os.environ.get(VISIBLE)) is None:
        return None
    entries = [entry.strip() for entry in text.split(",")]
    bad = next((place for place, entry in enumerate(entries) if not entry or entry.startswith("-")), len(entries))
    return entries[:bad]


def _listed() -> list[str]:
    """The numbers of all NVIDIA GPUs of this machine; empty if there is no driver."""
    if (program := shutil.which("nvidia-smi")) is None:
        return []
    try:
        done = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number in range(sum(line.startswith("GPU ") for line in done.stdout.splitlines()))]


def _number_by_bus() -> None:
    """Let CUDA number GPUs as nvidia-smi does; its own default puts the fastest first."""
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
