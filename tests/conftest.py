"""Fixtures that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.corpora import standin


@pytest.fixture(scope="session")
def standin_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small stand-ins of the MEGC 2019 corpora: two subjects each, three classed clips per subject."""
    cache = tmp_path_factory.mktemp("cache")
    return standin.ensure(cache, corpora=("casme2", "smic", "samm"), subjects=2, clips=3)
