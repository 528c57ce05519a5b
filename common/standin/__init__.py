"""Stand-in corpora: synthetic CASME II, SMIC, SAMM and CAS(ME)^2 in the layouts of the real ones.

The real corpora are licensed and cannot be shipped. The stand-ins are rendered from face photographs that scikit-image
ships, blended so that no subject is a real person; numbers measured on them cannot be compared with published ones.
`faces` creates the subjects, `portraits` their images, and `motion` plays facial action units, or what `real_motion`
reads from public flow maps; `casting` and `recordings` define the clips, `films` the recordings, `layouts` the files
and `sheets` the tables.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from common.corpora.marker import MARKER, REAL_MOTION, STAND_IN, TEXTS
from common.errors import UserError
from common.files import locked
from common.types import Progress

if TYPE_CHECKING:
    from common.standin.real_motion import RealMotion

Item = TypeVar("Item")
Made = TypeVar("Made")

REVISION = 3
"""Part of the folder's name; another revision writes different images."""
CORPORA = ("casme2", "smic", "samm", "casme_sq")
ON_REQUEST = ("smic_vis", "smic_nir")
"""Further parts of SMIC, which are in its folder."""
MOST_MOTION = 16
"""Maximum motion, relative to a micro-expression: no face moves that far."""


def ensure(
    cache: Path,
    *,
    corpora: Sequence[str] = CORPORA,
    subjects: int | None,
    clips: int | None,
    seed: int = 0,
    motion: float = 1.0,
    real: RealMotion | None = None,
    progress: Progress | None = None,
) -> Path:
    """The folder with CASME2/, SMIC/, SAMM/ and CAS(ME)^2/, each written when it is first requested in `corpora`.

    `subjects` limits the subjects of each corpus, `clips` the clips per subject (in CASME II and SAMM, those in the
    three classes); None and None write as many as in the real corpora. `motion` multiplies the motion of expressions;
    nothing else changes: neither people, clips and timing nor movements without an expression. With `real` the clips
    are those of the MEGC 2019 composite of which it has maps, and faces move as these show. An interrupted build leaves
    nothing that counts as complete. If two processes need the same corpora, one builds and the other waits. Raises
    UserError if `cache` cannot be written, a name is unknown or has no real motion, a limit is not positive or `motion`
    is out of range.
    """
    from common.standin import layouts

    _check(corpora, subjects, clips, motion, real)
    size = f"{'all' if subjects is None else subjects}x{'all' if clips is None else clips}"
    moved = "" if motion == 1 else f"-motion{motion:g}"
    moved += f"-real{real.digest}" if real else ""
    target = Path(cache) / f"standin-r{REVISION}-{size}-seed{seed}{moved}"
    units = {corpus: target / layouts.unit(corpus) for corpus in corpora}
    try:
        if all(unit.is_dir() for unit in units.values()):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(".standin.lock")) as alone:
            if alone:
                for dead in target.parent.glob(".standin-*.part-*"):
                    shutil.rmtree(dead, ignore_errors=True)
            for corpus, unit in units.items():
                if not unit.is_dir():
                    _build(
                        target,
                        corpus,
                        unit,
                        subjects=subjects,
                        clips=clips,
                        seed=seed,
                        motion=motion,
                        real=real,
                        progress=progress,
                    )
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"cannot write stand-in corpora to {cache}: {why}; choose another with --cache") from error
    return target


def _build(
    target: Path,
    corpus: str,
    unit: Path,
    *,
    subjects: int | None,
    clips: int | None,
    seed: int,
    motion: float,
    real: RealMotion | None,
    progress: Progress | None,
) -> None:
    """Write one corpus to a temporary sibling of `target`, and move its folder to `unit` when it is complete."""
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.part-", dir=target.parent))
    try:
        write(
            part,
            corpora=(corpus,),
            subjects=subjects,
            clips=clips,
            seed=seed,
            motion=motion,
            real=real,
            progress=progress,
        )
        unit.parent.mkdir(parents=True, exist_ok=True)
        shared = unit.relative_to(target).parts[0]
        if unit.parent != target:  # part of a corpus: its marker is not in the moved folder
            _mark(target / shared, real)
        try:
            (part / unit.relative_to(target)).rename(unit)
        except OSError:
            if not unit.is_dir():  # else another process was first, where locks are not supported
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(
    root: Path,
    *,
    corpora: Sequence[str] = CORPORA,
    subjects: int | None,
    clips: int | None,
    seed: int = 0,
    motion: float = 1.0,
    real: RealMotion | None = None,
    editions: Mapping[str, Sequence[str]] = MappingProxyType({}),
    tables: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> None:
    """Write `corpora` below `root`; for `subjects`, `clips`, `seed`, `motion` and `real` see `ensure`.

    `editions` names, by corpus, the trees to write instead of the default ones (`layouts.EDITIONS`), and `tables` the
    version of the annotation table (`sheets.TABLES`). The images of a recording depend only on the seed, its corpus,
    subject and name and its clips, and are the same in all editions that show it from one camera. Raises UserError for
    an unknown name, and if a limit is not positive.
    """
    from common.standin import films, layouts, rendering, sheets

    _check((*corpora, *editions, *tables), subjects, clips, motion, real)
    corpora = tuple(dict.fromkeys(corpora))
    written = {corpus: layouts.editions(corpus, editions.get(corpus)) for corpus in corpora}
    for corpus, name in tables.items():
        sheets.version(corpus, name)
    cast = {
        corpus: films.films(corpus, subjects, clips, seed, real.known(corpus) if real else None) for corpus in corpora
    }
    shots = [
        (film, [edition for edition in written[corpus] if edition.scene == scene])
        for corpus in corpora
        for scene in dict.fromkeys(edition.scene for edition in written[corpus])
        for film in cast[corpus]
    ]
    studio = rendering.studio(seed, dict.fromkeys(trees[0].scene for _, trees in shots), motion, real)
    people = list(dict.fromkeys((film.corpus, film.subject, trees[0].scene) for film, trees in shots))
    done, total = 0, len(people) + len(shots)
    label = f"writing stand-ins of {', '.join(dict.fromkeys(layouts.FOLDERS[corpus] for corpus in corpora))}"

    def report() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(label, done, total)

    sitters = {}
    for person, sitter in _threaded(lambda person: rendering.sitter(studio, *person), people):
        sitters[person] = sitter
        report()

    def shoot(shot: tuple[films.Film, list[layouts.Edition]]) -> None:
        film, trees = shot
        rendering.film(studio, sitters[film.corpus, film.subject, trees[0].scene], film, trees, root)

    for _ in _threaded(shoot, shots):
        report()
    for corpus in corpora:
        layouts.write_strays(root, cast[corpus], written[corpus])
        sheets.write_tables(root, cast[corpus], written[corpus], tables.get(corpus))
        _mark(root / layouts.FOLDERS[corpus], real)


def _mark(folder: Path, real: RealMotion | None) -> None:
    (folder / MARKER).write_text(TEXTS[REAL_MOTION if real else STAND_IN], encoding="ascii")


def _threaded(work: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[tuple[Item, Made]]:
    """`work` done on all `items`, as (item, result) in any order; after a failure, work not yet started is dropped.

    Threads suffice: OpenCV and NumPy release the interpreter lock.
    """
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        waiting = {pool.submit(work, item): item for item in items}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check(
    corpora: Sequence[str], subjects: int | None, clips: int | None, motion: float, real: RealMotion | None
) -> None:
    known = (*CORPORA, *ON_REQUEST)
    for name in corpora:
        if real and not real.known(name):
            raise UserError(f"{real.folder}: no flow maps of {name}, so there is no real motion for its stand-in")
        if name not in known:
            raise UserError(f"{name!r} is not a stand-in corpus; known: {', '.join(known)}")
    for name, bound in (("subjects", subjects), ("clips", clips)):
        if bound is not None and bound < 1:
            raise UserError(f"the number of {name} of stand-in corpora must be at least 1, not {bound}")
    if not 0 <= motion <= MOST_MOTION:
        raise UserError(f"stand-in corpora need a motion from 0 to {MOST_MOTION}, not {motion:g}")
