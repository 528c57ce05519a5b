"""Progress bars on the terminal, and permanent lines."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Display:
    """Progress bars on stderr, only if it is a terminal, and permanent lines on stdout."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Display:
        if self._bars.console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars.console.is_terminal:
            self._bars.stop()

    def line(self, text: str) -> None:
        """Print a permanent line: above the bars if both share a terminal, else on stdout."""
        shared = self._out.is_terminal and self._bars.console.is_terminal
        (self._bars.console if shared else self._out).print(text, markup=False, highlight=False, soft_wrap=True)

    def fault(self, text: str) -> None:
        """Print a permanent line on stderr that says what went wrong."""
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def progress(self, name: str, done: int, total: int) -> None:
        """Set the bar named `name`; it disappears when `done` reaches `total`."""
        if not self._bars.console.is_terminal:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)
        if done >= total:
            self._bars.remove_task(self._tasks.pop(name))
