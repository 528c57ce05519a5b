"""--device, and one GPU for each process. No GPU is needed: what processes see is read from their environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import guessing
import pytest

import papers
import run_all
from common.errors import UserError
from common.runs.processes import Pool
from common.training import devices

ROOT = Path(__file__).parents[1]
VARIABLES = (devices.VISIBLE, devices.ASKED, "JAX_PLATFORMS", "CUDA_DEVICE_ORDER")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No choice of a device, which is restored afterwards, and no nvidia-smi."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))


def chosen(text: str) -> dict[str, str]:
    devices.choose(text)
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


@pytest.mark.parametrize("text", ["cpu", "gpu", "gpu:0", "gpu:1", "gpu:0,1", "gpu:3,1"])
def test_names_of_devices(text: str) -> None:
    assert devices.is_device(text)


@pytest.mark.parametrize(
    "text", ["cuda", "GPU", "gpu:", "gpu:a", "gpu:0,", "gpu:1,1", "gpu:-1", "1", "0,1", "cpu:0", ""]
)
def test_other_names_are_refused(text: str) -> None:
    assert not devices.is_device(text)


def test_a_device_is_chosen_by_what_backends_read() -> None:
    assert chosen("cpu") == {devices.VISIBLE: "-1", "JAX_PLATFORMS": "cpu"}


def test_gpus_are_numbered_as_nvidia_smi_does_unless_some_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen("gpu") == {devices.ASKED: "gpu"}
    numbered = chosen("gpu:2,0")
    assert (numbered[devices.VISIBLE], numbered["CUDA_DEVICE_ORDER"]) == ("2,0", "PCI_BUS_ID")
    monkeypatch.setenv(devices.VISIBLE, "4,GPU-7")
    assert chosen("gpu")[devices.VISIBLE] == "4,GPU-7"
    assert chosen("gpu:1")[devices.VISIBLE] == "GPU-7"


@pytest.mark.parametrize(("visible", "text"), [("4,5", "gpu:2"), ("-1", "gpu"), ("", "gpu"), ("4,-1,5", "gpu:1")])
def test_a_hidden_gpu_cannot_be_chosen(visible: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.VISIBLE, visible)
    with pytest.raises(UserError, match=f"--device {text}: {devices.VISIBLE}"):
        devices.choose(text)


@pytest.mark.parametrize(("text", "enough"), [("gpu", 1), ("gpu:3", 1), ("gpu:0,1", 2)])
def test_a_gpu_that_is_not_there_is_reported_when_the_backend_starts(text: str, enough: int) -> None:
    devices.choose(text)
    devices.check(enough)
    with pytest.raises(UserError, match=f"--device {text}: "):
        devices.check(enough - 1)


def test_without_a_choice_nothing_is_checked() -> None:
    devices.check(0)
    devices.choose("gpu")
    devices.choose("cpu")
    devices.check(0)


def test_the_gpus_of_a_machine_are_counted_without_a_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices.gpus() == []
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'GPU 0: A (UUID: GPU-1)'\necho '  MIG 1g Device 0: (UUID: MIG-3)'\necho 'GPU 1: A'\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    assert devices.gpus() == ["0", "1"]
    monkeypatch.setenv(devices.VISIBLE, "7, 3")
    assert devices.gpus() == ["7", "3"]
    monkeypatch.setenv(devices.VISIBLE, "-1")
    assert devices.gpus() == []


def test_processes_take_turns_with_several_gpus_and_share_a_single_one() -> None:
    for process in range(5):
        devices.pin(process, ["0", "1", "2"])
        assert os.environ[devices.VISIBLE] == str(process % 3)
    del os.environ[devices.VISIBLE]
    devices.pin(1, ["0"])
    devices.pin(1, [])
    assert devices.VISIBLE not in os.environ


def seen(folder: Path) -> tuple[str | None, str | None, str | None]:
    """What a process has in its environment, once two processes are there."""
    (folder / str(os.getpid())).touch()
    for _ in range(600):
        if len([*folder.iterdir()]) == 2:
            break
        time.sleep(0.05)
    return tuple(os.environ.get(name) for name in (devices.VISIBLE, "JAX_PLATFORMS", devices.ASKED))  # type: ignore


@pytest.mark.parametrize(
    ("visible", "text", "expected"),
    [
        ("4,7", "", {("4", None, None), ("7", None, None)}),
        ("4,7,9", "gpu:2,0", {("9", None, "gpu:2,0"), ("4", None, "gpu:2,0")}),
        ("4,7", "cpu", {("-1", "cpu", None)}),
    ],
)
def test_each_process_of_a_pool_sees_one_gpu(
    visible: str, text: str, expected: set[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(devices.VISIBLE, visible)
    if text:
        devices.choose(text)
    both = tmp_path / "processes"
    both.mkdir()
    with Pool(2) as pool:
        assert set(pool.finished([pool.start(seen, both) for _ in range(2)])) == expected


def test_a_backend_that_starts_shares_gpus_and_refuses_one_that_is_not_there() -> None:
    program = (
        "import os\nfrom common.errors import UserError\n"
        "try:\n    import common.training.keras_setup\nexcept UserError as error:\n    print(error)\n"
        "print(os.environ['TF_FORCE_GPU_ALLOW_GROWTH'], os.environ['XLA_PYTHON_CLIENT_PREALLOCATE'])"
    )
    environment = os.environ | {devices.ASKED: "gpu:0", devices.VISIBLE: "-1", "XLA_PYTHON_CLIENT_PREALLOCATE": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    refused, memory = done.stdout.splitlines()
    assert refused.startswith("--device gpu:0: tensorflow finds no GPU")
    assert memory == "true true"  # growth is set; what the user has set stays
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--paper", "reddy2019", "--device", "cuda:0"],
        ["--paper", "reddy2019", "--device", "gpu:0,0"],
        ["--paper", "reddy2019", "--device", "gpu", "--scheduler", "tcp://localhost:1"],
        ["--list", "--device", "cpu"],
        ["--check-data", "somewhere", "--device", "cpu"],
    ],
)
def test_conflicts_end_with_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main(words)
    assert stopped.value.code == 2
    assert "--device" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("without_pages")
def test_results_do_not_belong_to_a_device(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    words = ["--paper", "reddy2019", "--experiment", "stcnn-smic/loso", "--profile", "smoke", "--workers", "1"]
    words += ["--out", str(tmp_path / "out"), "--cache", str(cache)]
    assert run_all.main([*words, "--device", "cpu"]) == 0
    assert os.environ[devices.VISIBLE] == "-1"
    monkeypatch.delenv(devices.VISIBLE)
    capsys.readouterr()
    assert run_all.main(words) == 0
    assert "all folds (2) are stored" in capsys.readouterr().out
