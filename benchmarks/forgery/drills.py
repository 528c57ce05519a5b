"""The forgeries: each changes the records of a bundle as a forger would, with the consequences that one would hide.

A forger is assumed to know the suite: digests of files are renewed, and after a change of predictions, classes or clips
the scores are computed again, unless the scores themselves are what is forged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from benchmarks.forgery import base
from common.bundles.archive import Contents
from common.bundles.schema import HEAD


def run_of(records: Contents, experiment: str = "", seed: int = 0) -> Any:
    """The record of a run: of an experiment by its id, else of the first leak-free one of the bundle."""
    runs = [record for name, record in sorted(records.items()) if name != HEAD]
    return next((r for r in runs if r["experiment"] == experiment and r["seed"] == seed), None) or next(
        r for r in runs if "loso" in r["experiment"] and "+" not in r["experiment"]
    )


def each_run(records: Contents) -> list[Any]:
    """The records of all runs."""
    return [record for name, record in sorted(records.items()) if name != HEAD]


def each_fold(records: Contents) -> list[Any]:
    """The records of all folds of all runs."""
    return [fold for record in each_run(records) for fold in record["folds"]]


# ---------------------------------------------------------------- scores and predictions


def raise_score(records: Contents) -> None:
    """Print a better score than the predictions give."""
    run_of(records)["scores"][0]["value"] += 0.1


def narrow_interval(records: Contents) -> None:
    """Halve the distance of the interval's ends from the score."""
    score = run_of(records)["scores"][0]
    score["low"] = ((score["low"] or 0) + score["value"]) / 2


def lower_chance(records: Contents) -> None:
    """Claim a lower level of chance."""
    run_of(records)["scores"][0]["chance"] -= 0.05


def drop_score(records: Contents) -> None:
    """Leave out the score that looks worst."""
    run_of(records)["scores"].pop()


def add_score(records: Contents) -> None:
    """Claim a score on a corpus that was not run."""
    row = run_of(records)["scores"][0]
    run_of(records)["scores"].append({**row, "corpus": "samm_long"})


def improve_p(records: Contents) -> None:
    """Claim a smaller probability of guessing as well."""
    run_of(records)["scores"][0]["p"] = 0.0001


def _correct(fold: Any, place: int) -> None:
    row, label = fold["probabilities"][place], fold["truth"][place]
    best = row.index(max(row))
    row[best], row[label] = row[label], row[best]


def _right(fold: Any) -> int:
    return sum(row.index(max(row)) == label for row, label in zip(fold["probabilities"], fold["truth"], strict=True))


def _fit_curve(fold: Any) -> None:
    """Let the accuracies of all epochs end at that of the predictions, and none be higher."""
    accuracy = _right(fold) / len(fold["truth"])
    for metrics in fold["history"].values():
        if curve := metrics.get("val_accuracy"):
            metrics["val_accuracy"] = [*(min(value, accuracy) for value in curve[:-1]), accuracy]


def correct_some(records: Contents) -> None:
    """Exchange probabilities so that a fifth of the clips is classified correctly, and make the curves fit."""
    for fold in each_fold(records):
        for place in range(0, len(fold["truth"]), 5):
            _correct(fold, place)
        _fit_curve(fold)


def raise_curve(records: Contents) -> None:
    """Claim higher accuracies in all epochs, so that a table of best epochs and last epochs comes out."""
    for fold in run_of(records, "stcnn-smic/published")["folds"]:
        n, most = len(fold["truth"]), max(fold["history"]["network"]["val_accuracy"])
        fold["history"]["network"]["val_accuracy"] = [
            min(value + 1 / n, 1.0) if most < 1 else value - 1 / n
            for value in fold["history"]["network"]["val_accuracy"]
        ]


def uneven_curve(records: Contents) -> None:
    """Make up the accuracies of all epochs but the last, half a clip below it, which no count of clips gives."""
    for fold in run_of(records, "stcnn-smic/published")["folds"]:
        curve, half = fold["history"]["network"]["val_accuracy"], 0.5 / len(fold["truth"])
        fold["history"]["network"]["val_accuracy"] = [*(curve[-1] - half for _ in curve[:-1]), curve[-1]]


def other_epochs(records: Contents) -> None:
    """Raise the accuracies of the other epochs up to that of the selected one."""
    for fold in run_of(records, "stcnn-smic/published")["folds"]:
        curve = fold["history"]["network"]["val_accuracy"]
        fold["history"]["network"]["val_accuracy"] = [max(curve)] * len(curve)


def correct_without_scores(records: Contents) -> None:
    """The same, but with the old scores."""
    correct_some(records)


def sharpen(records: Contents) -> None:
    """Make every prediction more certain without changing its class."""
    for fold in each_fold(records):
        for row in fold["probabilities"]:
            powers = [p**3 for p in row]
            row[:] = [p / sum(powers) for p in powers]


def double_probabilities(records: Contents) -> None:
    """Give rows that do not sum to 1."""
    fold = run_of(records)["folds"][0]
    fold["probabilities"][0] = [min(2 * p, 1.0) for p in fold["probabilities"][0]]


def negative_probability(records: Contents) -> None:
    """Give a negative probability in a row that sums to 1."""
    row = run_of(records)["folds"][0]["probabilities"][0]
    row[0], row[1], row[2] = -0.25, 1.0, 0.25


def another_class(records: Contents) -> None:
    """Predict with a fourth class that the experiment does not have."""
    for fold in run_of(records)["folds"]:
        fold["probabilities"] = [[*row, 0.0] for row in fold["probabilities"]]


# ---------------------------------------------------------------- classes and clips


def flip_truth(records: Contents) -> None:
    """In a fold, set the true class of wrongly classified clips to the predicted one."""
    for fold in run_of(records)["folds"][:4]:
        fold["truth"] = [row.index(max(row)) for row in fold["probabilities"]]


def flip_truth_everywhere(records: Contents) -> None:
    """The same in the list of clips."""
    flip_truth(records)
    run = run_of(records)
    told = {clip: label for fold in run["folds"] for clip, label in zip(fold["clips"], fold["truth"], strict=True)}
    run["clips"] = [[clip, told[clip]] for clip, _ in run["clips"]]


def _relabel(run: Any, labels: dict[str, int]) -> None:
    run["clips"] = [[clip, labels.get(clip, label)] for clip, label in run["clips"]]
    for fold in run["folds"]:
        fold["truth"] = [labels.get(clip, label) for clip, label in zip(fold["clips"], fold["truth"], strict=True)]


def change_class(records: Contents) -> None:
    """Give one clip of CASME II, whose name does not show its class, another class."""
    run = run_of(records)
    clip, label = next((clip, label) for clip, label in run["clips"] if clip.startswith("casme2/"))
    _relabel(run, {clip: (label + 1) % 3})


def swap_classes(records: Contents) -> None:
    """Exchange the classes of two clips of CASME II, so that all counts stay the same."""
    run = run_of(records)
    clips = [(clip, label) for clip, label in run["clips"] if clip.startswith("casme2/")]
    first = clips[0]
    second = next(pair for pair in clips if pair[1] != first[1])
    _relabel(run, {first[0]: second[1], second[0]: first[1]})


def _remove(records: Contents, clips: set[str]) -> None:
    for run in each_run(records):
        run["clips"] = [pair for pair in run["clips"] if pair[0] not in clips]
        for fold in run["folds"]:
            kept = [place for place, clip in enumerate(fold["clips"]) if clip not in clips]
            for name in ("clips", "truth", "probabilities"):
                fold[name] = [fold[name][place] for place in kept]
        run["folds"] = [fold for fold in run["folds"] if fold["clips"]]
    for clip in clips:
        records[HEAD]["digests"].pop(clip, None)


def _wrong(records: Contents) -> list[str]:
    run = run_of(records)
    return [
        clip
        for fold in run["folds"]
        for clip, label, row in zip(fold["clips"], fold["truth"], fold["probabilities"], strict=True)
        if row.index(max(row)) != label
    ]


def drop_from_fold(records: Contents) -> None:
    """Leave wrongly classified clips out of a fold."""
    fold = next(fold for fold in run_of(records)["folds"] if len(fold["clips"]) > 1)
    for name in ("clips", "truth", "probabilities"):
        fold[name].pop()


def drop_hard(records: Contents) -> None:
    """Leave ten wrongly classified clips out everywhere."""
    _remove(records, set(_wrong(records)[:10]))


def excuse_hard(records: Contents) -> None:
    """Leave them out everywhere and claim that their files are faulty."""
    hard = _wrong(records)[:10]
    _remove(records, set(hard))
    records[HEAD]["excluded"] |= dict.fromkeys(hard, "faulty")


def excuse_invented(records: Contents) -> None:
    """Leave them out everywhere and claim as many others, which do not exist, as unusable."""
    hard = _wrong(records)[:10]
    _remove(records, set(hard))
    for run in each_run(records):
        run["unusable"] = [f"smic/s{number + 1}/s{number + 1}_ne_99" for number in range(len(hard))]


def excuse_invented_files(records: Contents) -> None:
    """The same, with digests of their files."""
    excuse_invented(records)
    for clip in run_of(records)["unusable"]:
        records[HEAD]["digests"][clip] = [hashlib.sha256(clip.encode()).hexdigest(), "00"]


def drop_subject(records: Contents) -> None:
    """Leave a whole subject out, with its fold."""
    subject = run_of(records)["folds"][0]["clips"][0].rpartition("/")[0]
    _remove(records, {clip for clip, _ in run_of(records)["clips"] if clip.startswith(f"{subject}/")})


def _rename(records: Contents, names: dict[str, str]) -> None:
    for run in each_run(records):
        run["clips"] = [[names.get(clip, clip), label] for clip, label in run["clips"]]
        for fold in run["folds"]:
            fold["clips"] = [names.get(clip, clip) for clip in fold["clips"]]
    digests = records[HEAD]["digests"]
    for old, new in names.items():
        digests[new] = digests.pop(old)


def move_subject(records: Contents) -> None:
    """Give a clip to another subject in the list of clips, so that it may be trained on."""
    run = run_of(records)
    clip = run["folds"][0]["clips"][0]
    other = run["folds"][1]["clips"][0].rpartition("/")[0]
    new = f"{other}/{clip.rpartition('/')[2]}"
    run["clips"] = [[new if name == clip else name, label] for name, label in run["clips"]]
    records[HEAD]["digests"][new] = records[HEAD]["digests"][clip]


def move_subject_everywhere(records: Contents) -> None:
    """Give a clip of CASME II to another subject in the list, in its fold and among the digests."""
    run = run_of(records)
    folds = [fold for fold in run["folds"] if fold["fold"].startswith("casme2/")]
    clip = folds[0]["clips"][0]
    new = f"{folds[1]['fold']}/EP99_01"
    values = [folds[0][name].pop(0) for name in ("clips", "truth", "probabilities")]
    for name, value in zip(("clips", "truth", "probabilities"), (new, *values[1:]), strict=True):
        folds[1][name].append(value)
    _rename(records, {clip: new})


def split_subject(records: Contents, new: str = "s99") -> None:
    """Make two subjects of one, so that the network can be trained on one half of a face."""
    run = run_of(records, "stcnn-smic/published")
    old = run["clips"][0][0].rpartition("/")[0]
    own = [clip for clip, _ in run["clips"] if clip.startswith(f"{old}/")]
    names = {clip: clip.rpartition("/")[2].replace(old[5:], new, 1) for clip in own[::2]}
    _rename(records, {clip: f"smic/{new}/{name}" for clip, name in names.items()})


def pad_subject(records: Contents) -> None:
    """The same by a leading zero in the names of the subject and of its clips."""
    old = run_of(records, "stcnn-smic/published")["clips"][0][0].split("/")[1]
    split_subject(records, f"s0{old[1:]}")


def pad_folder(records: Contents) -> None:
    """The same by a leading zero in the name of the subject alone."""
    clips = [clip for clip, _ in run_of(records, "stcnn-smic/published")["clips"]]
    old = clips[0].rpartition("/")[0]
    own = [clip for clip in clips if clip.startswith(f"{old}/")]
    _rename(records, {clip: f"smic/s0{old[6:]}/{clip.rpartition('/')[2]}" for clip in own[::2]})


def invent_clips(records: Contents) -> None:
    """Add clips that are classified correctly."""
    for run in each_run(records):
        fold = run["folds"][0]
        for number in range(90, 96):
            clip = f"smic/s1/s1_ne_{number}"
            run["clips"].append([clip, 0])
            fold["clips"].append(clip)
            fold["truth"].append(0)
            fold["probabilities"].append([0.75, 0.125, 0.125])
            records[HEAD]["digests"][clip] = [hashlib.sha256(clip.encode()).hexdigest(), "00"]


def count_twice(records: Contents) -> None:
    """Count a correctly classified clip twice."""
    fold = run_of(records)["folds"][0]
    for name in ("clips", "truth", "probabilities"):
        fold[name].append(fold[name][0])


# ---------------------------------------------------------------- folds and seeds


def drop_fold(records: Contents) -> None:
    """Leave out the worst fold."""
    run_of(records)["folds"].pop()


def copy_fold(records: Contents) -> None:
    """Give a fold the training history of another."""
    folds = run_of(records)["folds"]
    folds[1]["history"] = folds[0]["history"]


def copy_predictions(records: Contents) -> None:
    """Give a fold the predictions of another with as many clips."""
    folds = run_of(records)["folds"]
    first, second = next((a, b) for a in folds for b in folds if a is not b and len(a["clips"]) == len(b["clips"]))
    second["probabilities"] = first["probabilities"]


def own_split(records: Contents) -> None:
    """Hold out clips of one's own choice instead of those of the random split."""
    run = run_of(records, "stcnn-smic/published")
    fold, labels = run["folds"][0], dict(run["clips"])
    out = next(clip for clip in labels if clip not in fold["clips"])
    fold["clips"][0], fold["truth"][0] = out, labels[out]


def other_protocol(records: Contents) -> None:
    """Present a random split as leave-one-subject-out."""
    split = run_of(records, "stcnn-smic/published")
    loso = run_of(records)
    loso["folds"] = [{**split["folds"][0], "fold": "smic/s1"}]


def rename_seed(records: Contents) -> None:
    """Claim another seed for a random split."""
    run_of(records, "stcnn-smic/published")["seed"] = 5


def rename_seed_of_loso(records: Contents) -> None:
    """Claim another seed for leave-one-subject-out, whose folds do not depend on it."""
    run_of(records, "stcnn-smic/loso", 1)["seed"] = 7


def repeat_seed(records: Contents) -> None:
    """Present one run as two seeds."""
    run_of(records, "stcnn-smic/loso", 1)["folds"] = [
        {**fold, "seconds": fold["seconds"] + 1} for fold in run_of(records)["folds"]
    ]


def _noisy(value: float, place: int) -> float:
    return value + 1e-5 * (-1) ** place


def _second_seed(records: Contents, change: Callable[[list[float], int, int], list[float]]) -> None:
    """Present one run as two seeds: each row changed, with its class and place, and noise in histories and times."""
    second = run_of(records, "stcnn-smic/loso", 1)
    for own, first in zip(second["folds"], run_of(records)["folds"], strict=True):
        rows = zip(first["probabilities"], first["truth"], strict=True)
        own["probabilities"] = [change(row, label, place) for place, (row, label) in enumerate(rows)]
        own["history"] = {
            stage: {name: [value * 1.001 for value in values] for name, values in metrics.items()}
            for stage, metrics in first["history"].items()
        }


def repeat_seed_with_noise(records: Contents) -> None:
    """Present one run as two seeds, with noise of 1e-5 in the predictions."""
    _second_seed(records, lambda row, label, place: [_noisy(row[0], place), _noisy(row[1], place + 1), *row[2:]])


def flatten_seed(records: Contents) -> None:
    """Present one run as two seeds, with probabilities that are less certain."""
    _second_seed(records, lambda row, label, place: [0.9 * p + 0.1 / 3 for p in row])


def one_hot_seeds(records: Contents) -> None:
    """Present one run as two seeds, with nothing left of the probabilities but the class."""
    for fold in run_of(records)["folds"]:
        fold["probabilities"] = [[float(p == max(row)) for p in row] for row in fold["probabilities"]]
    _second_seed(records, lambda row, label, place: [*row])


def perturb_seed(records: Contents) -> None:
    """Present one run as two seeds, with noise that changes the class of every fifth clip."""
    _second_seed(records, lambda row, label, place: row if place % 5 else [*row[1:], row[0]])


def repeat_fold_with_noise(records: Contents) -> None:
    """Give a fold the predictions of another with as many clips, with noise of 1e-5."""
    copy_predictions(records)
    folds = run_of(records)["folds"]
    for fold in folds:
        fold["probabilities"] = [
            [_noisy(row[0], place), _noisy(row[1], place + 1), *row[2:]]
            for place, row in enumerate(fold["probabilities"], start=folds.index(fold))
        ]


def copy_control(records: Contents) -> None:
    """Present the results of an experiment as those of its control."""
    run_of(records, "stcnn-smic/loso+no-motion")["folds"] = run_of(records)["folds"]


# ---------------------------------------------------------------- settings, code, digests


def other_settings(records: Contents) -> None:
    """Train with other settings than the profile's, without declaring them."""
    for run in each_run(records):
        run["settings"]["training"]["learning_rate"] = 0.001


def short_run(records: Contents) -> None:
    """Present a run of few epochs as one with the paper's settings."""
    for fold in each_fold(records):
        fold["history"] = {
            stage: {name: values[:2] for name, values in metrics.items()} for stage, metrics in fold["history"].items()
        }


def invent_trials(records: Contents) -> None:
    """Make up a search for settings, which may train fewer epochs, of an experiment that has none."""
    short_run(records)
    for fold in each_fold(records):
        fold["trials"] = [{"settings": {"epochs": 2}, "uf1": 0.5, "log_loss": 1.0}]


def other_profile(records: Contents) -> None:
    """Give the settings of another profile the name of the paper's."""
    for run in each_run(records):
        run["settings"]["inputs"] |= {"face_size": 24, "region_size": 12}
        run["settings"]["training"] |= {"epochs": 2, "search_epochs": 1}


def hidden_option(records: Contents) -> None:
    """Declare an option that no run has."""
    records[HEAD]["options"] = [["--set", "epochs=200"]]


def unknown_experiment(records: Contents) -> None:
    """Add an experiment that the paper does not have."""
    run_of(records)["experiment"] = "stcnn-smic/leave-none-out"


def other_code(records: Contents) -> None:
    """Run changed source code."""
    records[HEAD]["sources"] = hashlib.sha256(b"changed").hexdigest()


def other_version(records: Contents) -> None:
    """Claim a version that does not have this source code."""
    records[HEAD]["version"] = "9.0.0"


def mixed_code(records: Contents) -> None:
    """Run some folds with other source code."""
    fold = run_of(records)["folds"][0]
    fold["environment"] = {**fold["environment"], "code": "f" * 16}


def invent_digests(records: Contents) -> None:
    """Invent the digests of all clips."""
    digests = records[HEAD]["digests"]
    for clip in digests:
        digests[clip] = [hashlib.sha256(f"invented {clip}".encode()).hexdigest(), digests[clip][1]]


def invent_some_digests(records: Contents) -> None:
    """Invent the digests of a few clips whose images were changed."""
    digests = records[HEAD]["digests"]
    for clip in [*digests][:5]:
        digests[clip] = [hashlib.sha256(f"invented {clip}".encode()).hexdigest(), digests[clip][1]]


def change_annotation(records: Contents) -> None:
    """Move onsets and offsets of some clips."""
    digests = records[HEAD]["digests"]
    for clip in [*digests][:5]:
        digests[clip] = [digests[clip][0], f"{(int(digests[clip][1], 16) + 1) % 256:02x}"]


def copy_clip(records: Contents) -> None:
    """Use the files of a clip under two names."""
    first, second = [*records[HEAD]["digests"]][:2]
    records[HEAD]["digests"][second] = records[HEAD]["digests"][first]


def drop_digest(records: Contents) -> None:
    """Give no digest for some clips."""
    records[HEAD]["digests"].pop(next(iter(records[HEAD]["digests"])))


# ---------------------------------------------------------------- times, machines, copies


def negative_time(records: Contents) -> None:
    """Claim a negative time."""
    run_of(records)["folds"][0]["seconds"] = -3.5


def no_time(records: Contents) -> None:
    """Claim times that no machine reaches."""
    for place, fold in enumerate(run_of(records)["folds"]):
        fold["seconds"] = 1e-6 * (place + 1)


def no_time_no_operations(records: Contents) -> None:
    """The same without the operations, from which the least time follows."""
    no_time(records)
    for fold in each_fold(records):
        fold["measured"].pop("flops")


def smaller_network(records: Contents) -> None:
    """Claim a hundredth of the parameters."""
    for fold in each_fold(records):
        fold["measured"] = {
            name: float(round(value / 100)) if name.startswith("parameters") else value
            for name, value in fold["measured"].items()
        }


def same_time(records: Contents) -> None:
    """Claim the same time for all folds."""
    for fold in run_of(records)["folds"]:
        fold["seconds"] = 35.0


def future(records: Contents) -> None:
    """Claim a day in the future."""
    records[HEAD]["date"] = "2199-01-01"


def long_ago(records: Contents) -> None:
    """Claim the day at which a clock starts that was never set."""
    records[HEAD]["date"] = "1970-01-01"


def no_day(records: Contents) -> None:
    """Claim a day that does not exist."""
    records[HEAD]["date"] = "2026-02-30"


def other_network(records: Contents) -> None:
    """Train some folds with a larger network."""
    measured = run_of(records)["folds"][0]["measured"]
    run_of(records)["folds"][0]["measured"] = {name: 2 * value for name, value in measured.items()}


def no_environment(records: Contents) -> None:
    """Remove the environment."""
    for fold in run_of(records)["folds"]:
        fold["environment"] = {}


def other_environment(records: Contents) -> None:
    """Claim another machine."""
    for fold in each_fold(records):
        fold["environment"] = {**fold["environment"], "processor": "AMD Ryzen 9"}


def take_over(records: Contents) -> None:
    """Submit the bundle of somebody else as one's own, with the identifier of another data folder."""
    second = base.contents(who="second")
    second[HEAD]["copy"] = records[HEAD]["copy"]
    records.clear()
    records.update(second)


def take_over_with_times(records: Contents) -> None:
    """The same, with other times."""
    take_over(records)
    for fold in each_fold(records):
        fold["seconds"] *= 1.01


def relabel_stand_ins(records: Contents) -> None:
    """Run stand-ins at full size and call them licensed: the clips have the same names, but other files."""
    digests = records[HEAD]["digests"]
    for clip in digests:
        digests[clip] = [hashlib.sha256(f"synthetic {clip}".encode()).hexdigest(), "00"]


# ---------------------------------------------------------------- what else a file may hold


def path_in_text(records: Contents) -> None:
    """Mention a folder of a user."""
    run_of(records)["folds"][0]["caveats"] = ["weights read from /home/somebody/weights"]


def image_in_text(records: Contents) -> None:
    """Hide the beginning of an image in a text."""
    run_of(records)["folds"][0]["caveats"] = ["iVBORw0KGgoAAAANSUhEUgAAAAUA"]


def further_field(records: Contents) -> None:
    """Add a field that the format does not have."""
    run_of(records)["frames"] = [[0.5] * 64]


def wrong_type(records: Contents) -> None:
    """Write a number as a text."""
    run_of(records)["folds"][0]["seconds"] = "35.0"


def nothing(records: Contents) -> None:
    """Change nothing in the records."""
