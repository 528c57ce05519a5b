"""Fixtures that several tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import film
import pytest
from hypothesis import settings

from common import standin
from common.vision.faces import FaceFinder

settings.register_profile("suite", deadline=None)  # a busy machine is no fault
settings.load_profile("suite")

COMPOSITE = ("casme2", "smic", "samm")


@pytest.fixture(scope="session", autouse=True)
def progress_once_a_minute() -> Iterator[None]:
    """On a slow machine more would be said between the lines that a test expects: `test_progress` is about that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.progress.display.SOON", 60.0)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, the same one for all of its processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def dlib_opened_once() -> Iterator[None]:
    """Opening dlib's models takes 2 s: all finders of the default one in a process share them."""
    opened_by: Callable[[FaceFinder], Any] = FaceFinder.__dict__["_dlib"].func
    default = lru_cache(lambda: opened_by(FaceFinder()))
    once = cached_property(lambda finder: opened_by(finder) if finder.model else default())
    once.__set_name__(FaceFinder, "_dlib")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaceFinder, "_dlib", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def trained_once() -> Iterator[None]:
    """No fold is trained again in a process of its own, which takes seconds: `test_leaks` is about that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.runs.again.check", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    """The cache of all tests that are about something else: what they prepare is prepared once."""
    return shared / "cache"


@pytest.fixture
def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without pages, where a test is about something else: drawing them takes seconds."""
    monkeypatch.setattr(import_module("common.report.write"), "page", lambda report: b"%PDF")


@pytest.fixture(scope="session")
def standin_data(cache: Path) -> Path:
    """Small stand-ins of the MEGC 2019 corpora: two subjects each, three clips each. Not to be changed."""
    return standin.ensure(cache, corpora=COMPOSITE, subjects=2, clips=3)


@pytest.fixture(scope="session")
def new_cache(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes cache folders that hold the stand-ins of the profile smoke and nothing else: rendering them takes 20 s."""

    def make() -> Path:
        data = standin.ensure(cache, corpora=COMPOSITE, subjects=2, clips=2)
        own = tmp_path_factory.mktemp("cache") / "cache"
        shutil.copytree(data, own / data.name)
        return own

    return make


@pytest.fixture(scope="session")
def shot(standin_data: Path) -> list[film.Picture]:
    """The frames of a clip of the stand-ins. Not to be changed."""
    return film.shot(standin_data)


@pytest.fixture(scope="session")
def faces() -> FaceFinder:
    """The finder of the default landmark model."""
    return FaceFinder()
