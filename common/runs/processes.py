"""Processes that work side by side for as long as a study runs.

The standard library's rather than joblib's: joblib ends a process that has grown by 300 MB, and with it everything that
Keras has compiled there.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from types import FrameType, TracebackType
from typing import TypeVar

from common.errors import StoppedError

Item = TypeVar("Item")
Made = TypeVar("Made")

CORES = os.cpu_count() or 1
MOST = 61 if sys.platform == "win32" else sys.maxsize
"""Processes that a pool may have on this system."""


class Pool:
    """`count` processes that share the cores, started when they are needed; with one, work is done `here`."""

    def __init__(self, count: int) -> None:
        self.count = min(count, MOST)
        self.here = self.count == 1
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop()  # an interrupted study does not wait for folds half done
        elif self._executor is not None:
            self._executor.shutdown(wait=True)

    def start(self, work: Callable[[Item], Made], item: Item) -> Future[Made]:
        """Have `work` done on an item; with one process it is done at once, in this one."""
        if self.here:
            done: Future[Made] = Future()
            done.set_result(work(item))
            return done
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.count,
                mp_context=get_context("spawn"),
                initializer=_begin,
                initargs=(max(CORES // self.count, 1),),
            )
        return self._executor.submit(work, item)

    def finished(self, futures: Sequence[Future[Made]]) -> Iterator[Made]:
        """What the work came to, in the order in which it is done.

        Raises what it raised, and StoppedError where a process died; all processes then end, whatever they are at.
        """
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            self._stop()
            raise StoppedError(
                "a process was killed, perhaps because memory ran out; finished folds are stored: run the command "
                "again with fewer --workers"
            ) from None
        except BaseException:  # whatever stops one of them stops the others, which belong to the same work
            self._stop()
            raise

    def _stop(self) -> None:
        """End all processes at once; new ones are started when they are needed."""
        if self._executor is not None:
            for process in active_children():
                process.terminate()
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _begin(threads: int) -> None:
    for name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(threads))  # read when the libraries are imported
    signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(130)  # Ctrl-C reaches all processes; what is in the store is whole
