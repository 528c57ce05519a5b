"""Populations of subjects from which the benchmark draws confusion matrices, and the true scores of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMIC, CASME2, SAMM = ((16, 164), (70, 51, 43)), ((24, 145), (88, 32, 25)), ((28, 133), (92, 26, 15))
"""((subjects, clips), clips of each class) of the three corpora as used in the MEGC 2019 composite."""
FEW, SOME = ((5, 33), (250, 109, 83)), ((8, 52), (250, 109, 83))
"""Few subjects, with as many clips each and the classes of the composite."""
CORPORA = {5: (FEW,), 8: (SOME,), 16: (SMIC,), 24: (CASME2,), 28: (SAMM,), 68: (SMIC, CASME2, SAMM)}
"""The corpora of a data set, by its number of subjects."""
VARIATION = 0.8
"""Standard deviation of the number of clips per subject, divided by its mean, where sizes are unequal."""
WRONG = np.array([0.5, 0.25, 0.25])
"""How often each class is predicted among wrong predictions, if the true class does not count."""
EXPONENTS = np.array([0.7, 1.3, 1.2])
"""The recall of a class for a subject is the subject's accuracy to this power: the largest class is the easiest."""


Corpus = tuple[tuple[int, int], tuple[int, int, int]]


@dataclass(frozen=True)
class Model:
    """How the clips of a subject, and the predictions for them, come about.

    `accuracy` is the mean over subjects of a beta-distributed accuracy, `correlation` its intra-class correlation (that
    of the beta-binomial distribution). `mixture` is the concentration of the Dirichlet distribution of a subject's
    classes, `preference` that of its wrong predictions; None for the same in all subjects. With `rare` all corpora have
    the classes of SAMM; with `guess` predictions do not depend on the clip.
    """

    name: str
    unequal: bool = True
    accuracy: float = 0.65
    correlation: float = 0.0
    mixture: float | None = 10.0
    preference: float | None = None
    rare: bool = False
    guess: bool = False


MODELS = (
    Model("equal sizes, independent errors", unequal=False, mixture=None),
    Model("unequal sizes, independent errors"),
    Model("unequal sizes, correlated errors", correlation=0.1),
    Model("unequal sizes, strongly correlated errors", correlation=0.3, preference=4.0),
    Model("rare classes in few subjects", correlation=0.1, mixture=1.5, rare=True),
    Model("high accuracy", accuracy=0.9, correlation=0.1),
    Model("very high accuracy, strongly correlated errors", accuracy=0.95, correlation=0.3, preference=4.0),
    Model("chance", guess=True, preference=10.0),
)


def drawn(model: Model, subjects: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Confusion matrices (count, subjects, 3, 3) of `count` data sets."""
    return np.concatenate([_corpus(model, corpus, count, random) for corpus in CORPORA[subjects]], axis=1)


def expected(model: Model, subjects: int, random: np.random.Generator, draws: int = 400_000) -> NDArray[np.float64]:
    """The expected pooled confusion matrix of a data set: the mean over `draws` subjects of each corpus."""
    total = np.zeros((3, 3))
    for corpus in CORPORA[subjects]:
        sizes, classes, confused = _subjects(model, corpus, (draws,), random)
        total += corpus[0][0] * np.einsum("s,sk,skj->kj", sizes / draws, classes, confused)
    return total


def paired(
    model: Model, subjects: int, loss: float, shared: float, count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Matrices of two methods on the same clips, (count, subjects, 3, 3) each.

    The second predicts the same as the first for a fraction `shared` of the clips. For the others it makes predictions
    of its own, and guesses in a fraction `loss` of these.
    """
    both = [_paired(model, corpus, loss, shared, count, random) for corpus in CORPORA[subjects]]
    first, second = (np.concatenate([pair[side] for pair in both], axis=1) for side in (0, 1))
    return first, second


def paired_truth(
    model: Model, subjects: int, loss: float, shared: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The expected pooled confusion matrices of `paired`."""
    first = expected(model, subjects, np.random.default_rng(2019), 100_000)
    guesses = np.repeat(first.sum(axis=1, keepdims=True) / 3, 3, axis=1)
    return first, first + (1 - shared) * loss * (guesses - first)


def _paired(
    model: Model, corpus: Corpus, loss: float, shared: float, count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes, classes, confused = _subjects(model, corpus, (count, corpus[0][0]), random)
    clips = random.multinomial(sizes, classes)
    first = random.multinomial(clips, confused)
    same = random.binomial(first, shared)
    return first, same + random.multinomial(clips - same.sum(axis=-1), (1 - loss) * confused + loss / 3)


LOSSES = 0.6
"""The loss of a training run is uniform between 0 and this."""


def retrained(
    model: Model, subjects: int, runs: int, together: bool, count: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Expected matrix, and matrices (count, runs, subjects, 3, 3) of the same clips from networks trained again.

    A run guesses in a fraction of the clips, its loss: one fraction for all subjects if `together`, as for a network
    that is trained once; otherwise one for each subject, as in folds that hold out one subject.
    """
    truth = expected(model, subjects, random, 100 * count)
    truth += LOSSES / 2 * (truth.sum(axis=1, keepdims=True) / 3 - truth)
    common = random.uniform(0, LOSSES, (count, runs, 1))
    parts = []
    for corpus in CORPORA[subjects]:
        people = corpus[0][0]
        loss = common if together else random.uniform(0, LOSSES, (count, runs, people))
        sizes, classes, confused = _subjects(model, corpus, (count, people), random)
        clips = random.multinomial(sizes, classes)
        loss = np.broadcast_to(loss, (count, runs, people))[..., None, None]
        parts.append(random.multinomial(clips[:, None], (1 - loss) * confused[:, None] + loss / 3))
    return truth, np.concatenate(parts, axis=2)


def _corpus(model: Model, corpus: Corpus, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    sizes, classes, confused = _subjects(model, corpus, (count, corpus[0][0]), random)
    return random.multinomial(random.multinomial(sizes, classes), confused)


def _subjects(
    model: Model, corpus: Corpus, shape: tuple[int, ...], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Numbers of clips (shape), probabilities of classes (shape, 3) and of predictions by true class (shape, 3, 3)."""
    (subjects, clips), by_class = corpus
    shares = np.array(SAMM[1] if model.rare else by_class, float)
    shares /= shares.sum()
    classes = np.broadcast_to(shares, (*shape, 3))
    if model.mixture is not None:
        classes = _dirichlet(model.mixture * shares, shape, random)
    wrong = np.broadcast_to(np.full(3, 1 / 3) if model.guess else WRONG, (*shape, 3))
    if model.preference is not None:
        wrong = _dirichlet(model.preference * wrong.reshape(-1, 3)[0], shape, random)
    sizes = _sizes(clips / subjects, shape, random) if model.unequal else np.full(shape, round(clips / subjects))
    if model.guess:
        return sizes, classes, np.repeat(wrong[..., None, :], 3, axis=-2)
    accuracy = np.full(shape, model.accuracy)
    if model.correlation:
        both = 1 / model.correlation - 1
        accuracy = random.beta(model.accuracy * both, (1 - model.accuracy) * both, shape)
    recall = accuracy[..., None] ** EXPONENTS
    others = wrong[..., None, :] * (1 - np.eye(3)) + 1e-12
    others /= others.sum(axis=-1, keepdims=True)
    confused = recall[..., None] * np.eye(3) + (1 - recall)[..., None] * others * (1 - np.eye(3))
    return sizes, classes, confused / confused.sum(axis=-1, keepdims=True)


def _sizes(mean: float, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.int64]:
    """At least one clip each: one more than a negative binomial number."""
    rest = mean - 1
    form = rest**2 / ((VARIATION * mean) ** 2 - rest)
    return 1 + random.poisson(random.gamma(form, rest / form, shape))


def _dirichlet(
    weights: NDArray[np.float64], shape: tuple[int, ...], random: np.random.Generator
) -> NDArray[np.float64]:
    drawn = random.standard_gamma(weights, (*shape, 3)) + 1e-12
    return drawn / drawn.sum(axis=-1, keepdims=True)
