"""Which clips and folds an experiment needs, and the key of its results. Trains nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common import corpora
from common.contract import Paper, Profile, Settings
from common.corpora import composite, flow_maps, marker
from common.environment import backend
from common.errors import ClipError, UserError
from common.files import natural
from common.protocols import leakage
from common.protocols.controls import perturb
from common.protocols.splits import split
from common.runs.cache import Cache, digest
from common.runs.store import Run, run_folder
from common.types import Clip, Corpus, CorpusSummary, Exclusion, Experiment, Progress


@dataclass(frozen=True)
class Data:
    """The corpora of a run; `kind` is one of those in `marker`; `listed` is the official MEGC list, if there is one.

    `found` are the names of all corpora in the folder, including those that no experiment of the paper uses; `faults`
    says by name why a corpus that was found cannot be read.
    """

    kind: str
    folder: Path
    corpora: Mapping[str, Corpus]
    listed: Mapping[str, str] | None
    found: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One experiment with its clips: (clip, class index) pairs, the content digest of each, its folds and its run.

    `copies` are clips that share files.
    """

    paper: Paper
    experiment: Experiment
    profile: Profile
    seed: int
    clips: tuple[tuple[Clip, int], ...]
    contents: Mapping[str, str]
    copies: tuple[leakage.Copy, ...]
    folds: tuple[str, ...]
    summaries: tuple[CorpusSummary, ...]
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]
    key: Mapping[str, Any]
    run: Run

    @property
    def settings(self) -> Settings:
        """The settings of the profile, with those of the experiment applied."""
        return self.profile.settings.having(self.experiment.settings)

    def done(self) -> int:
        """How many folds have a stored result."""
        return sum(map(self.run.holds, self.folds))

    def asked(self) -> tuple[str, ...]:
        """The folds that the profile runs: all, or its number of folds, spread from the first to the last."""
        return asked(self.folds, self.profile, self.experiment)

    def pending(self) -> tuple[str, ...]:
        """The requested folds that have no stored result."""
        return tuple(fold for fold in self.asked() if not self.run.holds(fold))


def asked(folds: Sequence[str], profile: Profile, experiment: Experiment) -> tuple[str, ...]:
    """The folds of an experiment that a profile runs: all, or its number of them, spread from the first to the last."""
    most = None if experiment.pretrained else profile.folds
    count = min(most or len(folds), len(folds))
    return tuple(folds[place] for place in np.linspace(0, len(folds) - 1, count).round().astype(int))


def read_data(
    folder: Path, needed: Sequence[str], images: str, placed: Mapping[str, Path] = corpora.NONE_PLACED
) -> Data:
    """Index the needed corpora below `folder`; no image is opened. UserError if the folder contains no corpus at all.

    `placed` are folders that the user named, by corpus. Stand-in corpora are recognised by their marker, wherever they
    are.
    """
    roots = corpora.find(folder, tuple(corpora.SOURCES), placed)
    kind = kind_of(folder, placed)
    path = composite.find_megc_list(folder)
    loaded: dict[str, Corpus] = {}
    faults: dict[str, str] = {}
    for name in (name for name in dict.fromkeys(needed) if name in roots):
        try:
            loaded[name] = corpora.load(name, roots[name], images, data=folder if name in placed else None)
        except UserError as error:
            faults[name] = str(error)
    listed = composite.read_megc_list(path) if path else None
    return Data(kind, folder, loaded, listed, tuple(roots), faults)


def lacking(experiment: Experiment, data: Data) -> str:
    """Which corpora of an experiment are not in the data folder or cannot be read; empty if it has all."""
    absent = [name for name in experiment.corpora if name not in data.corpora and name not in data.faults]
    return corpora.missing(absent, [name for name in experiment.corpora if name in data.faults])


def kind_of(folder: Path, placed: Mapping[str, Path] = corpora.NONE_PLACED) -> str:
    """The kind of the corpora below `folder` and in `placed`; that of the maps if there are only maps."""
    roots = corpora.find(folder, (*corpora.NAMES, *placed), placed)
    alone = set(roots) == {flow_maps.CORPUS}
    return flow_maps.kind(roots[flow_maps.CORPUS]) if alone else marker.kind(*roots.values())


def plan(
    paper: Paper,
    experiment: Experiment,
    profile: Profile,
    data: Data,
    *,
    cache: Cache,
    out: Path,
    seed: int,
    code: str,
    contents: dict[str, tuple[str, ...]],
    progress: Progress,
) -> Job:
    """Select clips by the label map, reduce them to the profile, and compute the run's key from all that matters.

    `code` is a digest of the source code used; `contents` keeps the digests of each clip's files from one experiment to
    the next.
    """
    if reason := lacking(experiment, data):
        raise UserError(f"{paper.key} {experiment.id}: {reason} ({data.folder}); run --check-data to see what is there")
    used = [data.corpora[name] for name in experiment.corpora]
    listed = data.listed if experiment.labels is composite.MEGC2019 else None  # maps are compared when they are read
    selection = composite.select(used, experiment.labels, listed=listed)
    long_enough = [pair for pair in selection.clips if len(pair[0].numbers) >= experiment.min_frames]
    short = [
        Exclusion(
            clip.id, f"fewer than {experiment.min_frames} frames, the minimum that the paper requires", fault=False
        )
        for clip, _ in selection.clips
        if len(clip.numbers) < experiment.min_frames
    ]
    clips = tuple(long_enough) if experiment.pretrained else _cut(long_enough, profile)
    exclusions = [*(e for corpus in used for e in corpus.exclusions), *selection.dropped, *short]
    for done, (clip, _) in enumerate(clips, start=1):
        try:
            if clip.id not in contents:
                contents[clip.id] = cache.digests(clip.files)
        except ClipError as error:
            exclusions.append(Exclusion(clip.id, str(error)))
        progress("checking clips", done, len(clips))
    readable = perturb([pair for pair in clips if pair[0].id in contents], experiment.control, seed)
    for corpus in used:
        if not _of(corpus, readable):
            raise UserError(
                f"{paper.key} {experiment.id}: no usable clip of {corpus.name} below {data.folder}; "
                "--check-data shows why"
            )
    digests = {clip.id: digest(contents[clip.id]) for clip, _ in readable}
    key = {
        "paper": paper.key,
        "experiment": asdict(experiment),
        "settings": asdict(profile.settings.having(experiment.settings)),
        "search": [profile.trials, profile.inner_folds] if experiment.space else [],
        "most_folds": profile.most_folds,
        "seed": seed,
        "motion": profile.motion,
        "clips": [[clip.id, label, digests[clip.id], *annotation(clip)] for clip, label in readable],
        "code": code,
        "backend": backend(),
    }
    return Job(
        paper=paper,
        experiment=experiment,
        profile=profile,
        seed=seed,
        clips=readable,
        contents=digests,
        copies=leakage.copies([clip for clip, _ in readable], contents),
        folds=_folds(experiment, clips, seed, profile.most_folds),
        summaries=tuple(_summary(corpus, readable, experiment) for corpus in used),
        exclusions=tuple(exclusions),
        notes=selection.differences,
        key=key,
        run=run_folder(out, paper.key, experiment.id, key),
    )


def _of(corpus: Corpus, clips: Sequence[tuple[Clip, int]]) -> list[tuple[Clip, int]]:
    """Those of the clips that are in a corpus, which may be a collection of clips of several."""
    own = {clip.id for clip in corpus.clips}
    return [pair for pair in clips if pair[0].id in own]


def _folds(experiment: Experiment, clips: Sequence[tuple[Clip, int]], seed: int, most: int | None) -> tuple[str, ...]:
    subjects, ids = (np.array(names) for names in zip(*((clip.subject_id, clip.id) for clip, _ in clips), strict=True))
    labels = np.array([label for _, label in clips])
    return tuple(fold.name for fold in split(experiment, subjects, ids, labels, seed, most))


def annotation(clip: Clip) -> list[object]:
    """The annotation of a clip, as part of a key."""
    shown = [number for _, number in clip.shown]
    return [clip.onset, clip.apex, clip.apex_source, clip.offset, clip.fps, list(clip.numbers), shown]


def _cut(clips: Sequence[tuple[Clip, int]], profile: Profile) -> tuple[tuple[Clip, int], ...]:
    """The first subjects of each corpus and the first clips of each subject, limited by the profile.

    Classes alternate within a subject, so that even a short run includes all of them.
    """
    kept: list[tuple[Clip, int]] = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        corpus_clips = [(clip, label) for clip, label in clips if clip.corpus == corpus]
        subjects = sorted({clip.subject for clip, _ in corpus_clips}, key=natural)[: profile.subjects]
        for subject in subjects:
            own = [(clip, label) for clip, label in corpus_clips if clip.subject == subject]
            turn: Counter[int] = Counter()
            order = []
            for clip, label in own:
                order.append((turn[label], label, clip))
                turn[label] += 1
            chosen = {clip.id for _, _, clip in sorted(order, key=lambda entry: entry[:2])[: profile.clips]}
            kept += [(clip, label) for clip, label in own if clip.id in chosen]
    return tuple(kept)


def _summary(corpus: Corpus, used: Sequence[tuple[Clip, int]], experiment: Experiment) -> CorpusSummary:
    classes = Counter(experiment.labels.classes[label] for _, label in _of(corpus, used))
    return CorpusSummary(
        name=corpus.name,
        title=corpus.title,
        citation=corpus.citation,
        tree=corpus.tree,
        table=corpus.table,
        clips=len(corpus.clips),
        subjects=len({clip.subject for clip in corpus.clips}),
        by_emotion=dict(Counter(clip.emotion for clip in corpus.clips).most_common()),
        by_class={name: classes[name] for name in experiment.labels.classes},
    )
