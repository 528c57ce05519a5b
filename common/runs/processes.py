"""Parallel processes that live as long as a study runs.

Uses the standard library rather than joblib: joblib ends a process that has grown by 300 MB, and with it everything
that Keras has compiled there.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, TypeVar

from common.errors import StoppedError
from common.runs import status
from common.training import devices

Item = TypeVar("Item")
Made = TypeVar("Made")

CORES = os.cpu_count() or 1
MOST = 61 if sys.platform == "win32" else sys.maxsize
"""Maximum number of processes of a pool on this system."""


class Pool:
    """`count` processes that share the cores, started when needed; a single one is `here`, unless it has to be `apart`.

    If there are several GPUs, each process uses one of them.
    """

    def __init__(self, count: int, *, apart: bool = False) -> None:
        self.count = min(count, MOST)
        self.here = self.count == 1 and not apart
        self._executor: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()  # an interrupted study does not wait for unfinished folds, nor a finished one for TensorFlow

    def start(self, work: Callable[[Item], Made], item: Item) -> Future[Made]:
        """Start `work` on an item; with one process it runs immediately, in this one."""
        if self.here:
            done: Future[Made] = Future()
            done.set_result(work(item))
            return done
        if self._executor is None:
            context = get_context("spawn")
            self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            numbers, where = context.Value("i", 0), Path(self._folder.name)  # a lock: starts Python's resource tracker
            self._executor = ProcessPoolExecutor(
                self.count,
                mp_context=context,
                initializer=_begin,
                initargs=(max(CORES // self.count, 1), numbers, devices.gpus(), where),
            )
        with _without_interrupts(), _without_script():  # a process is started unless one is idle
            return self._executor.submit(work, item)

    def status(self) -> status.State:
        """What the processes are training."""
        folder = self._folder  # another thread may end the processes meanwhile
        return status.read(Path(folder.name)) if folder else {}

    def finished(self, futures: Sequence[Future[Made]]) -> Iterator[Made]:
        """The results, in the order in which they are finished.

        Raises the exceptions of the work, and StoppedError if a process died; all processes are then terminated.
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
        except BaseException:  # an error in one task stops the others, which belong together
            self._stop()
            raise

    def _stop(self) -> None:
        """End all processes immediately; new ones are started when needed."""
        if self._executor is not None:
            for process in active_children():
                process.terminate()
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
            self._forget()

    def _forget(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that wait with Ctrl-C until they can end without a word; `_begin` lets them receive it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_script() -> Iterator[None]:
    """Start processes that do not run the user's script again, which need not be guarded by `__name__`."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _begin(threads: int, numbers: Any, gpus: Sequence[str], folder: Path) -> None:
    """Prepare a process before it imports anything heavy; `numbers` counts the processes that have started."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    devices.pin(number, gpus)
    status.write_to(folder)
    for name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(threads))  # read when the libraries are imported
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # else the first process ignores Ctrl-C as well
        signal.signal(signal.SIGINT, _end)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, even if it was killed.

    Such a process cannot end its children, which would train on and then wait for work that never comes.
    """
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)  # stored results are complete


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(130)  # Ctrl-C reaches all processes; stored results are complete
