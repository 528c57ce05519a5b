"""The folds of a study on a Dask cluster: like `processes.Pool`, with workers that the user has started.

Workers access clips, cache and results by path, so these must be on a file system that all workers share, and the
suite must be installed there. The work of a lost worker is repeated elsewhere; results that it stored are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from common.errors import StoppedError, UserError, missing_extra, quoted
from common.runs import status

Item = TypeVar("Item")
Made = TypeVar("Made")
SECONDS = 30
"""How long to wait for a scheduler, and then for a first worker."""


class Cluster:
    """The workers of the Dask scheduler at `address`. Raises UserError if it or its workers cannot be reached."""

    here = False

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise missing_extra("--scheduler", "cluster") from None
        try:
            self._client = Client(address, timeout=SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            raise UserError(f"--scheduler {quoted(address)}: no Dask scheduler responds there ({error})") from error
        try:
            self._client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError:
            self._client.close()
            raise UserError(f"--scheduler {quoted(address)}: it has no workers; start some first") from None
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if any(worker["nthreads"] > 1 for worker in workers):
            self._client.close()
            raise UserError(
                f"--scheduler {quoted(address)}: a worker has several threads, but a process trains one network at a "
                "time; start workers with --nthreads 1"
            )
        self.count = len(workers)
        self._started: list[Any] = []

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._client.cancel(self._started, force=True)
        self._client.close()

    def start(self, work: Callable[[Item], Made], item: Item) -> Any:
        """Submit `work` on an item to a worker; returns a distributed.Future."""
        self._started.append(self._client.submit(work, item, pure=False))
        return self._started[-1]

    def status(self) -> status.State:
        """What the workers are training: unknown, because only their finished folds are visible."""
        return {}

    def finished(self, futures: Sequence[Any]) -> Iterator[Made]:
        """The results, in the order in which they are finished.

        Raises the exceptions of the work, and StoppedError if a task was lost with several workers in turn.
        """
        from distributed import KilledWorker, as_completed

        try:
            for future in as_completed(futures):
                yield future.result()
        except KilledWorker as error:
            self._client.cancel(self._started, force=True)
            raise StoppedError(
                f"the cluster lost several workers during the same task, perhaps because memory ran out ({error}); "
                "finished folds are stored: run the command again"
            ) from error
        except BaseException:  # an error in one task stops the others, which belong together
            self._client.cancel(self._started, force=True)
            raise
