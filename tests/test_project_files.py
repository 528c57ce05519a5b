"""The files that surround the code: licence, citation, templates, workflow and hooks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BUILT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, SETUPTOOLS = BUILT["project"], BUILT["tool"]["setuptools"]
YAML = [ROOT / "CITATION.cff", ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]
FORMS = [path for path in YAML if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml"]
COMMANDS = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def read(path: Path) -> dict[Any, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_it_is_yaml(path: Path) -> None:
    assert read(path)


def test_the_workflow_runs_what_is_run_by_hand() -> None:
    workflow = read(ROOT / ".github" / "workflows" / "ci.yml")
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    (version,) = (step["with"]["python-version"] for step in steps if "python-version" in step.get("with", {}))
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_every_hook_is_a_command_of_the_whole_run() -> None:
    hooks = [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert hooks
    for hook in hooks:
        assert hook["entry"] in COMMANDS
        assert hook["language"] == "system"
        assert hook["pass_filenames"] is False


def test_the_citation_names_the_version_and_licence_of_the_project() -> None:
    citation = read(ROOT / "CITATION.cff")
    assert (citation["title"], str(citation["version"])) == (PROJECT["name"], PROJECT["version"])
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]
    assert f"Copyright (c) 2026 {citation['authors'][0]['name']}" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_that_of_the_package() -> None:
    assert PROJECT["license-files"] == ["LICENSE"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{PROJECT['license']} License")


def test_the_wheel_has_every_file_of_the_packages() -> None:
    """Except the notes, which only the documentation shows."""
    declared = SETUPTOOLS["package-data"]
    files = {path for name in ("common", "papers") for path in (ROOT / name).rglob("*.*") if path.is_file()}
    data = {path for path in files if path.suffix not in {".py", ".pyc"} and path.name != "notes.md"}
    globs = [
        (ROOT / package.replace(".", "/"), pattern) for package, patterns in declared.items() for pattern in patterns
    ]
    assert data == {path for folder, pattern in globs for path in folder.glob(pattern)}
    assert all((ROOT / f"{name}.py").is_file() for name in SETUPTOOLS["py-modules"])


@pytest.mark.parametrize("words", [["--list"], ["--list", "--paper", "none"]], ids=["done", "wrong"])
def test_the_installed_command_ends_as_the_script_does(words: list[str], tmp_path: Path) -> None:
    module, function = PROJECT["scripts"]["mer-suite"].split(":")
    installed = ["-c", f"from {module} import {function}; {function}()"]
    both = [
        subprocess.run(
            [sys.executable, *start, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        for start in ([str(ROOT / "run_all.py")], installed)
    ]
    script, command = ((done.returncode, done.stdout, done.stderr) for done in both)
    assert script == command


def test_commands_are_printed_as_they_can_be_typed_there(tmp_path: Path) -> None:
    def program() -> list[str]:
        spec = spec_from_file_location("elsewhere", tmp_path / "common" / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(module := module_from_spec(spec))
        return list(module.program())

    (tmp_path / "common").mkdir()
    shutil.copy(ROOT / "common" / "__init__.py", tmp_path / "common")
    assert program() == [*PROJECT["scripts"]]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert program() == ["python", "run_all.py"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_labelled_questions(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    questions = [item for item in form["body"] if item["type"] != "markdown"]
    assert len({item["id"] for item in questions}) == len(questions) > 0
    for item in questions:
        assert item["type"] in {"input", "textarea", "dropdown", "checkboxes"}
        assert item["attributes"]["label"]
        assert ("options" in item["attributes"]) == (item["type"] in {"dropdown", "checkboxes"})


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text(encoding="utf-8")):
        assert target.startswith("https://") or (ROOT / target).exists(), target
