"""Read a case in a separate process, which may hang, die or do something forbidden, and report the outcome."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.fuzz.damage import BROKEN, REFUSED, Case, Read
from common.environment import forget_peak_memory, peak_memory_mib
from common.errors import ClipError, UserError

Make = Callable[[Path], Case]
"""Writes good files in a folder."""
TRAPS = ("pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
START = 120.0
"""The maximum seconds for writing the good files; importing TensorFlow takes most of this time."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case, its seconds, its MiB in addition to those of the process, and `why` it is broken."""

    what: str
    seconds: float
    mib: float = 0.0
    why: str = ""


class Reader:
    """The process that reads the cases of one kind; a new one replaces it if it hangs or dies."""

    def __init__(self, make: Make, seconds: float, mib: float) -> None:
        self._make, self._seconds, self._mib = make, seconds, mib
        self._process: Any = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._scratch.cleanup()
            self._process = None

    def run(self, seed: str) -> Outcome:
        """The outcome of the case that this seed draws."""
        if self._process is None:
            self._start()
        begun = time.perf_counter()
        try:
            self._pipe.send(seed)
            if self._pipe.poll(2 * self._seconds + 5):
                outcome: Outcome = self._pipe.recv()
                return outcome
            why = "does not end"
        except (EOFError, OSError):
            self._process.join()
            why = f"the process died ({self._process.exitcode})"
        self.__exit__()
        return Outcome(BROKEN, time.perf_counter() - begun, why=why)

    def _start(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="fuzz-")
        context = multiprocessing.get_context("spawn")  # a fork would inherit what was imported here
        self._pipe, theirs = context.Pipe()
        given = (theirs, self._make, Path(self._scratch.name).resolve(), self._seconds, self._mib)
        self._process = context.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        theirs.close()
        try:
            if self._pipe.poll(START) and self._pipe.recv():
                return
        except EOFError:
            pass
        self.__exit__()
        raise RuntimeError(f"the good files of {self._make.__name__} could not be written")


def _serve(pipe: Any, make: Make, scratch: Path, most_seconds: float, most_mib: float) -> None:
    """Write the good files, then read the cases whose seeds come through the pipe."""
    sys.dont_write_bytecode = True
    warnings.simplefilter("ignore")
    logging.disable()
    folder = scratch / "a" / "b" / "files"  # a file that leaves it through `..` stays in the scratch folder
    folder.mkdir(parents=True)
    tempfile.tempdir = str(folder)
    case = make(folder)
    seen: list[str] = []
    watch = _watch(folder, seen)
    pipe.send(True)
    before = _elsewhere(scratch, folder)
    while True:
        read = case(Random(pipe.recv()))
        forget_peak_memory()
        held, begun = peak_memory_mib(), time.perf_counter()
        watch(True)
        verdict, why = _outcome(read)
        watch(False)
        seconds, mib = time.perf_counter() - begun, peak_memory_mib() - held
        left = _elsewhere(scratch, folder) - before
        before |= left
        faults = [why, *seen, *(f"left {path}" for path in sorted(left))]
        faults += [f"takes {seconds:.1f} s"] * (seconds > most_seconds) + [f"takes {mib:.0f} MiB"] * (mib > most_mib)
        why = "; ".join(dict.fromkeys(filter(None, faults)))
        seen.clear()
        pipe.send(Outcome(BROKEN if why else verdict, seconds, mib, why))


def _outcome(read: Read) -> tuple[str, str]:
    """The outcome of a case, and what is wrong with it, empty if nothing is."""
    try:
        return read(), ""
    except (UserError, ClipError) as error:
        message = str(error)
        fine = len(message.splitlines()) == 1 and message.isprintable()
        return REFUSED, "" if fine else f"refused with no printable line: {message!r:.200}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}: {place.line}"
        return BROKEN, f"{type(error).__name__} {str(error)[:160]!r} at {where}"


def _watch(folder: Path, seen: list[str]) -> Callable[[bool], None]:
    """A switch for recording, in `seen`, programs, pickles, connections and changes outside `folder`."""
    allowed, watching = (f"{folder}/", "/proc/self/", f"{os.devnull}/"), False

    def hook(event: str, details: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event in TRAPS:
            seen.append(f"{event} {details!r:.80}")
        elif event in CHANGES or (event == "open" and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            for path in details[: 1 if event == "open" else 2]:
                named = isinstance(path, (str, bytes, os.PathLike))  # otherwise an open file, or nothing
                if named and not f"{os.path.abspath(os.fsdecode(path))}/".startswith(allowed):
                    seen.append(f"{event} {os.fsdecode(path)[:80]!r}")

    def switch(on: bool) -> None:
        nonlocal watching
        watching = on

    sys.addaudithook(hook)
    return switch


def _elsewhere(scratch: Path, folder: Path) -> set[Path]:
    return {path for path in scratch.rglob("*") if folder not in path.parents}
