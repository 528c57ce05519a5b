"""Fixtures that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.corpora import standin


@pytest.fixture(scope="session")
def standin_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small stand-in corpora: two subjects each, three classed clips per subject."""
    return standin.ensure(tmp_path_factory.mktemp("cache"), subjects=2, clips=3)
