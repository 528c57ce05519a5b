"""What the steps of a run share: the paper's modules, the cache and the processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.contract import Parts
from common.runs.cache import Cache
from common.runs.dask_cluster import Cluster
from common.runs.processes import Pool
from common.vision.faces import FaceFinder


@dataclass(frozen=True)
class RunContext:
    """What all jobs of a paper share; `code` is the digest of the code for the clips' arrays.

    The folds are trained by `pool`. If that is this process alone, clips are prepared in `preparers` processes.
    """

    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None
    faces: FaceFinder
    pool: Pool | Cluster
    preparers: int = 1


def run_context(
    code: str,
    parts: Callable[[], Parts],
    cache: Cache,
    landmarks: Path | None,
    pool: Pool | Cluster,
    preparers: int = 1,
) -> RunContext:
    """The context for the jobs of a paper. `landmarks` is dlib's model file, None for the default."""
    return RunContext(parts, code, cache, landmarks, FaceFinder(landmarks), pool, preparers)
