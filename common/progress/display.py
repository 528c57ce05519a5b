"""Progress bars on a terminal, a line per minute elsewhere, and permanent lines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from common.progress import log

PERIOD = 60.0
"""Seconds between the lines that report what is being done."""
SOON = 1.0
"""Seconds between looks for something new that is being done, which is reported at once."""


class Display:
    """Progress on stderr, permanent lines on stdout; everything is also written to the log.

    On a terminal progress is shown as bars with the time left. Elsewhere a line says what is being done when something
    new begins that takes more than a second, and once a minute; the log gets these lines in both cases.
    """

    def __init__(self) -> None:
        terminal = False if "ipykernel" in sys.modules else None  # a notebook asks for colours, but moves no cursor
        self._out = Console(highlight=False, soft_wrap=True, force_jupyter=False, force_terminal=terminal)
        self._bars = Progress(
            TextColumn("{task.description}", table_column=Column()),  # on narrow terminals it is wrapped
            BarColumn(20),
            _Steps(),
            TimeElapsedColumn(),
            _TimeLeft(),
            TextColumn("{task.fields[detail]}"),
            console=Console(stderr=True, force_jupyter=False, force_terminal=terminal),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()  # several threads show progress
        self._ended = threading.Event()
        self._reports = threading.Thread(target=self._report, daemon=True)
        self._warnings = log.warnings_to(self.fault)

    def __enter__(self) -> Display:
        if self._bars.console.is_terminal:
            self._bars.start()
        self._warnings.__enter__()
        self._reports.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._reports.join()  # a thread that is printing when Python ends would abort it
        self._warnings.__exit__(kind, error, trace)
        if self._bars.console.is_terminal:
            self._bars.stop()

    @property
    def width(self) -> int:
        """How many characters a line of stdout holds; 80 if that is no terminal."""
        return self._out.width

    def line(self, text: str) -> None:
        """Print a permanent line: above the bars if both share a terminal, else on stdout."""
        shared = self._out.is_terminal and self._bars.console.is_terminal
        self._print(self._bars.console if shared else self._out, text)

    def fault(self, text: str) -> None:
        """Print a permanent line on stderr that says what went wrong."""
        self._print(self._bars.console, text)

    def progress(self, name: str, done: int, total: int, detail: str = "", /) -> None:
        """Set the bar named `name`; it disappears when `done` reaches `total`. `detail` is shown next to it.

        Of what has a single step, only the time is shown.
        """
        with self._lock:
            if done >= total:
                if name in self._tasks:
                    self._bars.remove_task(self._tasks.pop(name))
            elif name in self._tasks:
                self._bars.update(self._tasks[name], completed=done, total=_steps(total), detail=detail)
            else:
                self._tasks[name] = self._bars.add_task(
                    name, total=_steps(total), completed=done, first=done, detail=detail
                )

    def _print(self, console: Console, text: str) -> None:
        log.write(text := log.without_home(text))
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _report(self) -> None:
        """Report every minute, and soon after something new begins, what is being done, until the display ends."""
        said: set[tuple[str, str]] = set()
        last = time.monotonic()
        while not self._ended.wait(min(SOON, PERIOD)):
            tasks = self._bars.tasks
            new = [task for task in tasks if _kind(task) not in said]
            said.update(map(_kind, new))
            if time.monotonic() >= last + PERIOD:
                last, new = time.monotonic(), tasks
            text = "; ".join(map(_state, new))
            if text and self._bars.console.is_terminal:
                log.write(log.without_home(text))
            elif text:
                self.fault(text)


@contextmanager
def doing(say: Callable[[str, int, int], None], what: str) -> Iterator[None]:
    """Show `what`, which has a single step, until it is done."""
    say(what, 0, 1)
    try:
        yield
    finally:
        say(what, 1, 1)


class _Steps(MofNCompleteColumn):
    """How many steps are done; nothing if there is a single one."""

    def render(self, task: Task) -> Text:
        return Text("") if task.total is None else super().render(task)


class _TimeLeft(ProgressColumn):
    """The time left, estimated from the steps that were finished while the bar was shown."""

    def render(self, task: Task) -> Text:
        left = _seconds_left(task)
        return Text("" if left is None else f"about {duration(left)} left", style="progress.remaining")


def _seconds_left(task: Task) -> float | None:
    """An estimate from the time that the finished steps took; None before the first is finished."""
    done = task.completed - task.fields["first"]
    return (task.elapsed or 0.0) * (task.remaining or 0.0) / done if done else None


def _state(task: Task) -> str:
    """A bar as text."""
    left = _seconds_left(task)
    state = task.description + ("" if task.total is None else f" {task.completed:g} of {task.total:g}")
    so_far = f"{duration(task.elapsed or 0.0)} so far"
    rest = "" if left is None else f"about {duration(left)} left"
    return ", ".join(filter(None, (state, task.fields["detail"], so_far, rest)))


def _kind(task: Task) -> tuple[str, str]:
    """The paper, if any, and what is done: equal for the epochs of all its folds."""
    return task.description.partition(" ")[0], task.description.rpartition(": ")[2]


def _steps(total: int) -> int | None:
    """The total of a bar; None if it has a single step, so that it moves until that is done."""
    return None if total == 1 else total


def duration(seconds: float) -> str:
    """Seconds as text in at most two units: `45 s`, `12 min`, `1 h 27 min`, `3 d 4 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"
