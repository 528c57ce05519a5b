"""The one command that runs all benchmarks: which there are, how they are called, and what is said of failures."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as every
from common.environment import ROOT


def test_every_module_with_a_main_is_in_the_list() -> None:
    """Read from the text, apart from how the list is made."""
    files = [path for path in ROOT.glob("benchmarks/**/*.py") if "\ndef main(" in path.read_text(encoding="utf-8")]
    names = {path.parent.name if path.name == "__main__.py" else path.stem for path in files} - {"benchmarks"}
    assert set(every.available()) == names
    assert {"controls", "fuzz", "training_step", "workers"} <= names


@pytest.mark.parametrize("name", every.available())
def test_each_takes_the_short_form(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    package = "__main__" if (ROOT / "benchmarks" / name).is_dir() else ""
    module = importlib.import_module(".".join(filter(None, ("benchmarks", name, package))))
    with pytest.raises(SystemExit) as ended:
        module.main(["--short", "--help"])
    assert ended.value.code == 0
    assert "--short" in capsys.readouterr().out


def test_what_fails_is_named_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen: list[tuple[str, Sequence[str], Path]] = []

    def module(name: str) -> SimpleNamespace:
        def main(arguments: Sequence[str]) -> int:
            seen.append((name, arguments, Path.cwd()))
            if name == "benchmarks.folds":
                raise RuntimeError("broken")
            return 2 if name == "benchmarks.texture" else 0

        return SimpleNamespace(main=main)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib, "import_module", module)
    assert every.main(["--short"]) == 1
    *_, last = capsys.readouterr().out.strip().splitlines()
    assert last == "failed: folds, texture"
    names = [name for name, _, _ in seen]
    assert [name.removeprefix("benchmarks.").removesuffix(".__main__") for name in names] == every.available()
    assert all(arguments == ["--short"] for _, arguments, _ in seen)
    assert not any(folder == tmp_path for _, _, folder in seen)  # nothing is left where it was started
    assert Path.cwd() == tmp_path
    monkeypatch.setattr(every, "short", lambda name: int(Path("standin-cache").resolve() != tmp_path / "cache"))
    assert every.main(["--short", "--only", "controls", "--cache", "cache"]) == 0
