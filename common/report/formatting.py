"""Numbers, units and names as a report shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from common.corpora import SOURCES
from common.corpora.marker import LICENSED, PUBLIC_MAPS, REAL, REAL_MOTION
from common.corpora.names import USUAL
from common.report.records import Report, SideBySide

DASH = "\u2013"


def banner(data: str, motion: float) -> str | None:
    """Return the notice on every page of a report on stand-ins; None for licensed corpora and public maps."""
    if data in REAL:
        return None
    moved = "" if motion == 1 else ", without motion" if motion == 0 else f", motion \u00d7{motion:g}"
    faces = f"synthetic faces{', real motion' if data == REAL_MOTION and motion else ''}{moved}"
    return f"Test run on stand-in corpora ({faces}). Do not compare with published scores."


VERDICTS = {
    "MATCH": "match",
    "CLOSE": "not distinguishable",
    "DIFFERS": "differs",
    "NOT_COMPARABLE": "not comparable",
    "INCOMPLETE": "incomplete",
    "NOT_RUN": "not run",
}

_METRICS = {"uf1": "UF1", "uar": "UAR", "acc": "accuracy", "accuracy": "accuracy", "f1": "F1"}

_SELECTIONS = {
    "last": "last epoch",
    "inner": "inner validation, split from the training subjects",
    "oracle": "oracle: best epoch on the test fold itself",
}

_COSTS = {
    "training_seconds": "Training, all folds",
    "preprocessing_seconds": "Preprocessing",
    "seconds_per_fold": "Training, per fold",
    "inference_ms_per_clip": "Inference, per clip",
    "peak_memory_mib": "Peak memory of a process, with all that it ran before",
    "parameters": "Parameters",
}


def number(value: float | None, decimals: int) -> str:
    """Return `value` with fixed decimals and a true minus sign; a dash if it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:.{decimals}f}".replace("-", "\u2212")


def interval(low: float | None, high: float | None, decimals: int) -> str:
    """Return `0.41 to 0.62`; a dash if a bound is missing or not finite."""
    bounds = number(low, decimals), number(high, decimals)
    return DASH if DASH in bounds else " to ".join(bounds)


def count(value: float | None) -> str:
    """Return a whole number with thousands separators; a dash if it is missing."""
    return DASH if value is None or not math.isfinite(value) else f"{value:,.0f}"


def many(n: float, noun: str) -> str:
    """Return `1 clip`, `2 clips`."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def sentence(text: str) -> str:
    """Return a note as a sentence: with a capital, unless it starts with an identifier, and a full stop."""
    start = text.partition(" ")[0].rstrip(",.:;")
    text = text[:1].upper() + text[1:] if start.isalpha() else text
    return text if text.endswith((".", "!", "?")) else f"{text}."


def percent(part: float, whole: float) -> str:
    """Return `part / whole` as a whole percentage; a dash if `whole` is 0."""
    return f"{100 * part / whole:.0f}%" if whole else DASH


def difference(value: float | None, decimals: int = 3) -> str:
    """Return a difference with its sign; no sign if it rounds to zero."""
    text = number(value, decimals)
    if value is None or not math.isfinite(value) or not text.strip("\u22120."):
        return text.lstrip("\u2212")
    return text if value < 0 else f"+{text}"


def probability(p: float | None) -> str:
    """Return a p value with three decimals; `<0.001` if it is smaller than that."""
    return "<0.001" if p is not None and p < 0.001 else number(p, 3)


def significant(value: float | None, figures: int = 3) -> str:
    """Return `value` with this many significant digits, never with an exponent; a dash if it is missing."""
    if value is None or not math.isfinite(value):
        return DASH
    exponent = int(f"{value:.{figures - 1}e}".partition("e")[2])
    places = max(figures - 1 - exponent, 0)
    return count(value) if not places else number(value, places)


def five_digits(value: float) -> float:
    """Return `value` to five significant digits, enough to draw it."""
    return float(f"{value:.5g}")


def short(value: float) -> str:
    """Return a number for the ticks of a logarithmic axis: `0.01`, `20`, `1,000`."""
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def decimals(printed: str) -> int:
    """Return how many decimals a printed number has."""
    return len(printed.strip().rstrip("%").partition(".")[2])


def duration(seconds: float | None) -> str:
    """Return seconds in the two largest units that fit: `0.04 s`, `12.3 s`, `5 min 02 s`, `3 h 20 min`, `2 d 04 h`."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds < 59.95:
        return f"{seconds:.{2 if seconds < 9.995 else 1}f} s"
    if (whole := round(seconds)) < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if (minutes := round(seconds / 60)) < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02d} h"


def cost(name: str, value: float) -> tuple[str, str]:
    """Return (label, value with unit) of one cost; the unit is read from the words of its name."""
    words = name.split("_")
    label = _COSTS.get(name) or " ".join(w for w in words if w not in {"seconds", "ms", "mib"}).capitalize() or name
    if "seconds" in words:
        return label, duration(value)
    if "ms" in words:
        return label, f"{number(value, 1)} ms"
    if "mib" in words:
        return label, f"{count(value)} MiB"
    return label, count(value) if float(value).is_integer() else number(value, 3)


def metric_name(metric: str) -> str:
    """Return the usual name of a metric (UF1 for `uf1`)."""
    return _METRICS.get(metric.casefold(), metric.replace("_", ", ", 1) if metric.startswith("recall_") else metric)


def selection_name(selection: str) -> str:
    """Return the selection rule in words."""
    return _SELECTIONS.get(selection, selection)


def seed_list(seeds: Sequence[int]) -> str:
    """Return `seed 0`, `seeds 0, 1, 2`; a dash for none."""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds)) or DASH}"


def shown_seeds(seeds: Sequence[int]) -> str:
    """Return `seed_list`, with the seed whose numbers are shown if there are several."""
    return seed_list(seeds) + (f" (numbers of seed {seeds[0]})" if len(seeds) > 1 else "")


def data_name(data: str) -> str:
    """Return the kind of data in words."""
    return {
        LICENSED: "licensed corpora",
        PUBLIC_MAPS: "public flow maps",
        REAL_MOTION: "stand-in corpora with real motion",
    }.get(data, "stand-in corpora")


def corpus_name(report: Report | SideBySide, corpus: str) -> str:
    """Return the title of a corpus or composite; an unknown name is returned unchanged."""
    layouts = SOURCES[corpus].layouts if corpus in SOURCES else ()
    usual = layouts[0].title if layouts else USUAL.get(corpus, corpus)
    return next((c.title for c in report.corpora if c.name == corpus), usual)


def listing(counts: Mapping[str, int]) -> str:
    """Return `disgust 63, happiness 32`; a dash if there is nothing."""
    return ", ".join(f"{name} {count(n)}" for name, n in counts.items()) or DASH
