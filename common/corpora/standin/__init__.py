"""Stand-in corpora: synthetic CASME II, SMIC HS and SAMM in the layouts of the real ones.

The real corpora are licensed and cannot be shipped. These are rendered from face photographs that scikit-image ships,
blended so that no subject is a real person; numbers measured on them compare with no published number. `faces` makes
the subjects, `portraits` their pictures, `motion` plays facial action units, `casting` decides which clips there are
and `layouts` where they lie.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from common.errors import UserError
from common.types import Progress

Item = TypeVar("Item")
Made = TypeVar("Made")

REVISION = 1
"""Part of the folder's name; another revision writes other pictures."""
CORPORA = ("casme2", "smic", "samm")
MARKER = "STAND-IN.txt"
"""A file in every folder of a stand-in corpus: whoever copies one cannot take it for the real corpus."""


def ensure(
    cache: Path, *, subjects: int | None, clips: int | None, seed: int = 0, progress: Progress | None = None
) -> Path:
    """The folder that holds CASME2/, SMIC/ and SAMM/, written at the first call.

    `subjects` bounds the subjects of each corpus, `clips` the clips per subject that count in the three classes; None
    and None write as many as the real corpora hold. A build that is interrupted leaves nothing that counts as
    complete. Of two processes that need the same corpora one builds and the other waits.
    Raises UserError where `cache` cannot be written or a bound is not positive.
    """
    _check(subjects, clips)
    size = f"{'all' if subjects is None else subjects}x{'all' if clips is None else clips}"
    target = Path(cache) / f"standin-r{REVISION}-{size}-seed{seed}"
    try:
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_name(".standin.lock")) as alone:
            if alone:
                for dead in target.parent.glob(".standin-*.part-*"):
                    shutil.rmtree(dead, ignore_errors=True)
            if not target.is_dir():
                _build(target, subjects=subjects, clips=clips, seed=seed, progress=progress)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"cannot write stand-in corpora to {cache}: {why}; choose another with --cache") from error
    return target


def marked(folder: Path) -> bool:
    """Whether a folder is a stand-in corpus, lies in one, or holds one directly or one level down."""
    around = [folder, *folder.absolute().parents, *folder.glob("*/"), *folder.glob("*/*/")]
    return any((one / MARKER).is_file() for one in around)


def _build(target: Path, *, subjects: int | None, clips: int | None, seed: int, progress: Progress | None) -> None:
    """Write to a temporary sibling, which becomes `target` when it is complete."""
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.part-", dir=target.parent))
    try:
        write(part, subjects=subjects, clips=clips, seed=seed, progress=progress)
        part.chmod(0o755)
        try:
            part.rename(target)
        except OSError:
            if not target.is_dir():  # else another process, where there are no locks, was first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(
    root: Path, *, subjects: int | None, clips: int | None, seed: int = 0, progress: Progress | None = None
) -> None:
    """Write the three corpora below `root`; what `subjects`, `clips` and `seed` mean is said at `ensure`.

    The pictures of a clip depend on the seed, its corpus, its subject and its own name alone.
    """
    from common.corpora.standin import casting, layouts, rendering

    _check(subjects, clips)
    roles = [role for corpus in CORPORA for role in casting.cast(corpus, subjects, clips, seed)]
    studio = rendering.studio(seed)
    people = list(dict.fromkeys((role.corpus, role.subject) for role in roles))
    done, total = 0, len(people) + len(roles)

    def report() -> None:
        nonlocal done
        done += 1
        if progress:
            progress("stand-in corpora", done, total)

    sitters = {}
    for key, sitter in _threaded(lambda key: rendering.sitter(studio, *key), people):
        sitters[key] = sitter
        report()
    for _ in _threaded(lambda role: rendering.film(studio, sitters[role.corpus, role.subject], role, root), roles):
        report()
    layouts.write_strays(root, roles)
    layouts.write_tables(root, roles)
    for folder in (path for path in root.iterdir() if path.is_dir()):
        (folder / MARKER).write_text(
            "Synthetic faces written by mer-suite; not recordings of people.\n", encoding="ascii"
        )


def _threaded(work: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[tuple[Item, Made]]:
    """`work` done on all `items`, as (item, result) in no certain order; what has not begun when it fails is dropped.

    Threads suffice: OpenCV and NumPy do their work outside the interpreter's lock.
    """
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        waiting = {pool.submit(work, item): item for item in items}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check(subjects: int | None, clips: int | None) -> None:
    for name, bound in (("subjects", subjects), ("clips", clips)):
        if bound is not None and bound < 1:
            raise UserError(f"stand-in corpora need {name} of at least 1, not {bound}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Wait for the lock on `path`, which the system takes back from dead processes; False where it knows no locks."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # some network file systems
            yield False
        else:
            yield True
