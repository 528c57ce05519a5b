"""Fabricated papers side by side: nothing in them was measured or printed anywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import report_example as papers

from common.corpora.grounds import DEFAULT
from common.report.records import NetworkResult, Report, SideBySide
from common.scoring.differences import verdict
from common.scoring.records import PairedTest, Score

CORPORA = papers.COLUMNS
METRICS = ("uf1", "uar", "accuracy")
CLIPS = {"megc2019": 442, "smic": 164, "casme2": 145, "samm": 133}
CHANCE = {"uf1": 0.2407407407407407, "uar": 1 / 3, "accuracy": 0.5656108597285068}
TITLES = (
    "Region networks and recurrent layers",
    "ResNet34 on avatar images",
    "VGG19 on dynamic images",
    "ResNet50 on dynamic images of regions",
    "SENet50 on dynamic images of regions",
    "3D network of the whole face",
    "3D network of eyes and mouth, fused in between",
    "3D network of eyes and mouth, fused late",
    "Deep 3D network A",
    "Deep 3D network B",
    "Texture histograms",
    "A network with a name so long that no table, no legend and no axis could ever show all of it on a single line",
    "TemporalConvolutionWithUnbreakableIdentifier/v2_final-checkpoint",
)


def contender(i: int, rng: np.random.Generator, seeds: int = 1, folds: tuple[int, int] = (68, 68)) -> NetworkResult:
    """Contender `i` of TITLES on four columns of clips."""
    level = 0.42 + 0.035 * ((5 * i) % 13) + rng.normal(0, 0.004)
    done = folds[0] / folds[1]
    scores = {
        corpus: {
            metric: Score(
                metric,
                value := float(np.clip(level + 0.02 * j - 0.015 * k + rng.normal(0, 0.01), 0, 1)),
                value - 0.0612345678,
                value + 0.0512345678,
                CHANCE[metric],
                int(n * done),
                *folds,
                p=(0.0004998, 0.0312, 0.61)[(i + j) % 3],
            )
            for j, metric in enumerate(METRICS)
        }
        for k, (corpus, n) in enumerate(CLIPS.items())
    }
    first = [scores["megc2019"][metric].value for metric in METRICS]
    return NetworkResult(
        paper=f"example{2012 + i % 5}",
        experiment=f"common-{i}",
        title=TITLES[i],
        scores=scores,
        confusion=(np.array([[170, 50, 30], [30, 60, 19], [15, 12, 56]]) * done).astype(np.int64),
        n_folds_done=folds[0],
        n_folds=folds[1],
        parameters=int(10 ** (4.6 + 0.27 * i)),
        flops=float(10 ** (7.9 + 0.2 * ((3 * i) % 13))),
        seconds_per_fold=float(4 * 2.1 ** (i % 9)),
        inference_ms_per_clip=1.5 + 7 * i,
        peak_memory_mib=800.0 + 111 * i,
        spread={
            metric: (value, *(float(v) for v in value + rng.normal(0, 0.02, seeds - 1)))
            for metric, value in zip(METRICS, first, strict=True)
        },
        control={"megc2019": {"uf1": replace(scores["samm"]["uf1"], value=0.3, p=0.7)}} if i % 4 else {},
        metadata={"megc2019": {"uf1": replace(scores["samm"]["uf1"], value=0.34, p=(0.6, 0.0004998)[i % 4 == 3])}}
        if i % 3
        else {},
        learnt=(papers.learnt(0.97), papers.learnt(0.91), papers.learnt(0.5656, 68, 68), None)[i % 4],
    )


def pairs(contenders: tuple[NetworkResult, ...], clear: bool = True) -> tuple[PairedTest, ...]:
    """All pairs of those with scores; with `clear`, those whose UF1 is far apart differ significantly."""
    known = [c for c in contenders if c.scores]
    tests = []
    for i, a in enumerate(known):
        for b in known[i + 1 :]:
            apart = a.scores["megc2019"]["uf1"].value - b.scores["megc2019"]["uf1"].value
            p = float(np.exp(-35 * abs(apart))) if clear else 0.31
            adjusted = min(1.0, 20 * p)
            names = f"{a.paper}/{a.experiment}", f"{b.paper}/{b.experiment}"
            same = abs(apart) < 0.02
            tests.append(
                PairedTest(
                    *(*names, 442, 68, 61, 47, apart, p, adjusted),
                    error=0.03 + 0.001 * i,
                    freedom=30.5,
                    detectable=0.087 + 0.003 * i,
                    detectable_adjusted=0.141 + 0.004 * i,
                    equivalence=0.001 if same else 0.4,
                    equivalence_adjusted=0.02 if same else 1.0,
                    verdict=verdict(adjusted, 0.02 if same else 1.0),
                )
            )
    return tuple(tests)


def reports(folder: Path) -> tuple[Report, ...]:
    """A run of figures, one of percentages and one not run."""
    third = papers.not_run()
    return (
        papers.licensed(folder),
        papers.many(folder),
        replace(third, paper=replace(third.paper, key="example2021", title=TITLES[11])),
    )


def _stand_ins(folder: Path) -> tuple[Report, ...]:
    """The same of stand-in corpora, where nothing may be compared."""
    _, second, third = reports(folder)
    verdicts = tuple(replace(c, verdict="NOT_COMPARABLE") for c in second.comparisons)
    second = replace(second, comparisons=verdicts, data="stand-in", profile="quick")
    return papers.stand_in(folder), second, replace(third, data="stand-in", profile="quick")


def side(folder: Path, n: int = 13, seeds: tuple[int, ...] = (0,), stand_in: bool = False) -> SideBySide:
    """`n` contenders, all folds done."""
    rng = np.random.default_rng(21)
    contenders = tuple(contender(i, rng, len(seeds)) for i in range(n))
    return SideBySide(
        profile="quick" if stand_in else "paper",
        data="stand-in" if stand_in else "licensed",
        seeds=seeds,
        ground=DEFAULT,
        labels="megc2019",
        classes=papers.CLASSES,
        protocol="leave one subject out",
        selection="last epoch",
        corpora=papers.corpora(),
        contenders=contenders,
        tests=pairs(contenders),
        differing=(),
        reports=_stand_ins(folder) if stand_in else reports(folder),
        environment={"python": "3.11.9", "keras": "3.15.1", "device": "one GPU, 16 cores"},
        command="python run_all.py --compare --data /data/micro --seed 0",
    )


def not_run(folder: Path) -> SideBySide:
    """Contenders that nobody has run: no score, no cost."""
    whole = side(folder, 5)
    empty = tuple(
        replace(
            c,
            scores={},
            confusion=np.zeros((3, 3), np.int64),
            n_folds_done=0,
            parameters=None,
            flops=None,
            seconds_per_fold=None,
            inference_ms_per_clip=None,
            peak_memory_mib=None,
            spread={},
            control={},
            learnt=None,
        )
        for c in whole.contenders
    )
    return replace(whole, contenders=empty, tests=())


def mixed(folder: Path) -> SideBySide:
    """Three seeds; the second contender has done four folds, the third one, on a single subject; the fourth none."""
    rng = np.random.default_rng(22)
    whole = side(folder, 6, (0, 1, 2), stand_in=True)
    four = contender(1, rng, 1, (4, 68))
    few = {
        k: {m: replace(s, chance=0.19, value=0.91, low=0.41, high=1.0) for m, s in row.items()}
        for k, row in four.scores.items()
    }
    single = contender(2, rng, 1, (1, 68))
    alone = {k: {m: replace(s, low=None, high=None) for m, s in row.items()} for k, row in single.scores.items()}
    first, _, _, fourth, *rest = whole.contenders
    contenders = (
        first,
        replace(four, scores=few, spread=dict.fromkeys(METRICS, (0.91,))),
        replace(single, scores=alone, flops=None, spread={}),
        not_run(folder).contenders[3],
        *rest,
    )
    assert fourth.title == contenders[3].title
    return replace(
        whole,
        contenders=contenders,
        tests=pairs(contenders),
        differing=(
            "example2014 cannot use 3 clips of SAMM whose apex is not annotated",
            "example2013 learns from magnified copies of the training clips as well",
        ),
    )
