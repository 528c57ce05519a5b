"""What would break on Windows or macOS by construction, read from the sources; neither system is at hand here."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

import papers
from common.files import file_name
from common.protocols.controls import controls
from common.runs.store import Run
from common.standin.layouts import EDITIONS, FOLDERS

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("common/**/*.py"), *ROOT.glob("papers/**/*.py"), ROOT / "run_all.py", ROOT / "mer.py"])
BENCHMARKS = sorted(ROOT.glob("benchmarks/**/*.py"))
UNIX_ALONE = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios"}
NOT_ON_WINDOWS = {"fork", "forkpty", "getuid", "geteuid", "getpgid", "kill", "killpg", "setsid", "uname", "nice"}
NOT_ON_WINDOWS |= {"SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "alarm", "mkfifo", "symlink"}
NO_TEXT = {"Image", "archive", "os", "tarfile", "wave", "zipfile"}
"""Whose `open` opens no text."""
FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$')


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*SOURCES, *BENCHMARKS], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_file_is_opened_with_an_encoding(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if called not in {"open", "fdopen", "read_text", "write_text"} or owner in NO_TEXT - {"os"}:
            continue
        if owner == "os" and called == "open":
            continue
        modes = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        binary = called in {"open", "fdopen"} and any(re.fullmatch(r"[rwax]b\+?|b[rwax]", mode) for mode in modes)
        assert binary or any(word.arg == "encoding" for word in node.keywords), ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_needs_what_windows_has_not(path: Path) -> None:
    module = tree(path)
    for node in module.body:  # inside a function it may be tried
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & UNIX_ALONE
        elif isinstance(node, ast.ImportFrom):
            assert node.module not in UNIX_ALONE
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"os", "signal"}:
            assert node.attr not in NOT_ON_WINDOWS
            assert node.attr != "rename", "os.replace also replaces a file on Windows"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not node.value.startswith("/tmp")
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_context"):
            assert ast.unparse(node.args[0]) == "'spawn'"


@pytest.mark.parametrize("text", ["smic/s1", "fold 1", "casme_sq/15", "held-out clips", "whole target", "run 10"])
def test_names_of_folds_stay_readable(text: str) -> None:
    assert file_name(text) == text.replace("/", "-")


@pytest.mark.parametrize(
    "text", ["a:b", "a\\b", "..", "x.", "x ", "NUL", "con.json", "Com1", 'a?*<>|"b', "a\nb", "../.."]
)
def test_whatever_a_name_is_it_is_one_file_on_windows(text: str) -> None:
    name = file_name(text)
    assert not FORBIDDEN.search(name)
    assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, re.IGNORECASE)
    assert PureWindowsPath("folder", name).parent == PureWindowsPath("folder")
    assert name not in {"", ".", ".."}


@pytest.mark.parametrize("key", papers.available())
def test_folders_of_experiments_are_names_on_every_system(key: str) -> None:
    every = [e.id for plain in papers.load(key).experiments for e in (plain, *controls(plain))]
    for name in every:
        assert all(file_name(part) == part for part in name.split("/"))
    assert len({name.casefold() for name in every}) == len(every)


def test_files_of_the_project_and_of_the_stand_ins_are_too() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in [*SOURCES, *BENCHMARKS, *ROOT.glob("tests/*")]]
    assert len({name.casefold() for name in names}) == len(names)
    names += [*FOLDERS.values()]
    for editions in EDITIONS.values():
        for edition in editions:
            names += [edition.tree, *filter(None, [edition.below]), re.sub(r"\{.*?\}", "x", edition.file)]
    for name in names:
        assert all(file_name(part) == part for part in name.split("/")), name


def test_a_system_without_locks_and_resource_counts_stores_and_reads_all_the_same(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "sys.modules['fcntl'] = sys.modules['resource'] = None\n"
        "del os.O_DIRECTORY\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "import run_all\n"
        "from common import environment, files, study\n"
        "from common.runs import dask_cluster, folds, processes, scheduler, store\n"
        "from common.report import assemble\n"
        "from common.types import FoldResult\n"
        "environment.Path = lambda name: files.Path('nowhere')\n"
        "assert np.isnan(environment.peak_memory_mib())\n"
        "run = store.Run(Path(sys.argv[1]))\n"
        "answers = np.eye(2, dtype=np.float32)\n"
        "run.save(FoldResult('smic/s1', ('a', 'b'), np.array([0, 1]), answers, {}, 0, 1.0, {}, {}))\n"
        "with files.locked(Path(sys.argv[1]) / 'lock') as alone:\n"
        "    assert not alone\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=True)
    assert Run(tmp_path).load("smic/s1") is not None


def test_a_terminal_that_knows_few_characters_is_no_fault() -> None:
    script = "import run_all; run_all.main(['--list']); print('\\u2212 and \\u4e2d')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == rb"\u2212 and \u4e2d"
