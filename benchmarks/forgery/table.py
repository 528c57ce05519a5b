"""All drills: what is forged, the check that notices it, and what that needs; or why only a second run can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.forgery import base, drills, files
from benchmarks.forgery.files import Files
from common.bundles.archive import Contents

ALONE, BESIDE = "alone", "another bundle"


@dataclass(frozen=True)
class Drill:
    """A forgery and the check that notices it, which is empty if only a second run can expose it, by `why`.

    `forge` changes records in place; `pack` makes the ZIP file instead of the usual way. `against` says whether the
    check needs an honest bundle of somebody else. `renewed` says whether the scores are computed again. `runs` are
    those of the forged bundle. `whole` says that the check needs the profile `paper`, which uses whole corpora.
    """

    name: str
    check: str
    forge: Callable[[Contents], None] = drills.nothing
    pack: Callable[[Files], bytes] | None = None
    against: str = ALONE
    renewed: bool = True
    runs: tuple[tuple[str, int], ...] = base.SMIC
    whole: bool = False
    why: str = ""


_TRAINING = "predictions of another training are plausible numbers; only training again shows what the method gives"
_CHOICE = "the runs that were not submitted are not in the file"
_WORDS = "nothing in a file can prove on which machine or by whose code it was made"

DRILLS: tuple[Drill, ...] = (
    Drill("A score is raised", "scores", drills.raise_score, renewed=False),
    Drill("An interval is narrowed", "scores", drills.narrow_interval, renewed=False),
    Drill("The level of chance is lowered", "scores", drills.lower_chance, renewed=False),
    Drill("The p of guessing is lowered", "scores", drills.improve_p, renewed=False),
    Drill("A score is left out", "scores", drills.drop_score, renewed=False),
    Drill("A score on another corpus is added", "scores", drills.add_score, renewed=False),
    Drill("Predictions are corrected, the scores kept", "scores", drills.correct_some, renewed=False),
    Drill("A row of probabilities does not sum to 1", "predictions", drills.double_probabilities),
    Drill("A probability is negative", "predictions", drills.negative_probability),
    Drill("A class is added to the predictions", "predictions", drills.another_class, renewed=False),
    Drill("True classes are flipped in some folds", "labels", drills.flip_truth),
    Drill("True classes are flipped everywhere", "labels", drills.flip_truth_everywhere),
    Drill("A clip of the composite gets another class", "clips", drills.change_class, runs=base.COMPOSITE, whole=True),
    Drill(
        "Two clips of the composite exchange classes",
        "labels",
        drills.swap_classes,
        against=BESIDE,
        runs=base.COMPOSITE,
        whole=True,
    ),
    Drill("Clips are left out of a fold", "folds", drills.drop_from_fold),
    Drill("Clips are left out everywhere", "clips", drills.drop_hard, whole=True),
    Drill("Clips are left out as faulty", "clips", drills.excuse_hard, against=BESIDE, whole=True),
    Drill("Clips are left out, and invented ones called unusable", "digests", drills.excuse_invented, whole=True),
    Drill(
        "Clips are left out, and invented ones with digests called unusable",
        "clips",
        drills.excuse_invented_files,
        against=BESIDE,
        whole=True,
    ),
    Drill("A subject is left out", "clips", drills.drop_subject, whole=True),
    Drill("A subject is moved in the list of clips", "folds", drills.move_subject, renewed=False),
    Drill(
        "A clip of CASME II is moved to another subject everywhere",
        "clips",
        drills.move_subject_everywhere,
        against=BESIDE,
        runs=base.COMPOSITE,
        whole=True,
    ),
    Drill("A subject is split into two", "clips", drills.split_subject, renewed=False),
    Drill("A subject is split into two by a leading zero", "clips", drills.pad_subject, renewed=False),
    Drill("A subject's folder gets a leading zero", "clips", drills.pad_folder, renewed=False),
    Drill("Clips are invented", "clips", drills.invent_clips),
    Drill("A clip is counted twice", "format", drills.count_twice, renewed=False),
    Drill("A fold is left out", "folds", drills.drop_fold),
    Drill("A training history is copied to another fold", "histories", drills.copy_fold),
    Drill("Predictions are copied to another fold", "histories", drills.copy_predictions),
    Drill(
        "Predictions are copied to another fold, with noise of 1e-5",
        "histories",
        drills.repeat_fold_with_noise,
        whole=True,
    ),
    Drill("The accuracy of epochs is raised above the predictions", "histories", drills.raise_curve),
    Drill("Accuracies of epochs are made up", "histories", drills.uneven_curve),
    Drill("Held-out clips are chosen by hand", "folds", drills.own_split),
    Drill("A random split is called leave-one-subject-out", "folds", drills.other_protocol, renewed=False),
    Drill("Another seed is claimed for a random split", "folds", drills.rename_seed),
    Drill("One run is presented as two seeds", "seeds", drills.repeat_seed),
    Drill("One run is presented as two seeds, with noise of 1e-5", "seeds", drills.repeat_seed_with_noise),
    Drill("One run is presented as two seeds, less certain", "seeds", drills.flatten_seed, whole=True),
    Drill("One run is presented as two seeds, as classes alone", "seeds", drills.one_hot_seeds, whole=True),
    Drill("A control's results are copied", "histories", drills.copy_control),
    Drill("Settings are changed and not declared", "settings", drills.other_settings),
    Drill("A run of few epochs is presented as a full one", "histories", drills.short_run, whole=True),
    Drill("A run of few epochs is excused by a search that was not made", "settings", drills.invent_trials),
    Drill("The settings are those of another profile", "settings", drills.other_profile, whole=True),
    Drill("An option is declared that no run has", "settings", drills.hidden_option),
    Drill("An experiment is invented", "paper", drills.unknown_experiment, renewed=False),
    Drill("Changed source code is run", "code", drills.other_code),
    Drill("Another version is claimed", "code", drills.other_version),
    Drill("Some folds are run with other source code", "environment", drills.mixed_code),
    Drill("All digests are invented", "digests", drills.invent_digests, against=BESIDE),
    Drill("Some digests are invented", "digests", drills.invent_some_digests, against=BESIDE),
    Drill("Onsets and offsets are moved", "digests", drills.change_annotation, against=BESIDE),
    Drill("A clip's files are used under two names", "digests", drills.copy_clip),
    Drill("A digest is left out", "digests", drills.drop_digest),
    Drill("Stand-ins of full size are called licensed", "digests", drills.relabel_stand_ins, against=BESIDE),
    Drill("A time is negative", "times", drills.negative_time),
    Drill("Times are shorter than any machine needs", "times", drills.no_time),
    Drill("The operations, which give the least time, are left out", "times", drills.no_time_no_operations),
    Drill("A hundredth of the parameters is claimed", "times", drills.smaller_network, against=BESIDE),
    Drill("All folds take the same time", "times", drills.same_time),
    Drill("The day is in the future", "times", drills.future),
    Drill("The day is in 1970", "times", drills.long_ago),
    Drill("The day does not exist", "times", drills.no_day),
    Drill("A larger network is used in some folds", "times", drills.other_network),
    Drill("The environment is removed", "environment", drills.no_environment),
    Drill("Somebody else's bundle is submitted", "copies", drills.take_over, against=BESIDE, renewed=False),
    Drill("A text contains a path", "privacy", drills.path_in_text),
    Drill("A text contains an image", "privacy", drills.image_in_text),
    Drill("A field is added for pixels", "format", drills.further_field, renewed=False),
    Drill("A number is a text", "format", drills.wrong_type, renewed=False),
    Drill("A run is edited in the ZIP file", "format", pack=files.edited),
    Drill("An image is added to the ZIP file", "format", pack=files.with_image),
    Drill("An image has the name of a run", "format", pack=files.image_as_run),
    Drill("A file would be unpacked elsewhere", "format", pack=files.outside),
    Drill("Two files have one name", "format", pack=files.twice),
    Drill("A field is given twice", "format", pack=files.repeated_name),
    Drill("A number is not finite", "format", pack=files.not_finite),
    Drill("The file does not fit into memory", "format", pack=files.bomb),
    Drill("Lists are nested without end", "format", pack=files.nested),
    Drill("The file is cut off", "format", pack=files.cut),
    Drill("An image precedes the ZIP file", "format", pack=files.behind_image),
    Drill("The comment of the ZIP file is an image", "format", pack=files.with_comment),
    Drill("An image is hidden behind compressed data", "format", pack=files.behind_data),
    Drill("Bits are hidden in spaces", "format", pack=files.spaced),
    Drill("Another version of the format is claimed", "format", pack=files.another_version),
    Drill("Predictions are corrected, and the scores with them", "", drills.correct_some, why=_TRAINING),
    Drill("Held-out subjects are trained on by changed code", "", drills.correct_some, why=_TRAINING),
    Drill("Accuracies of epochs that were not selected are raised", "", drills.other_epochs, why=_TRAINING),
    Drill("Probabilities are sharpened without changing a class", "", drills.sharpen, why=_TRAINING),
    Drill("The best of many seeds is submitted", "", why=_CHOICE),
    Drill("Another seed is claimed for leave-one-subject-out", "", drills.rename_seed_of_loso, why=_TRAINING),
    Drill(
        "One run is presented as two seeds, with noise that changes classes",
        "",
        drills.perturb_seed,
        why="noise can be chosen as large as the differences between two trainings",
    ),
    Drill("Released source code is claimed for changed code", "", why=_WORDS),
    Drill("Another machine is claimed", "", drills.other_environment, why=_WORDS),
    Drill(
        "Somebody else's bundle is submitted with other times",
        "",
        drills.take_over_with_times,
        against=BESIDE,
        renewed=False,
        why="equal predictions of one seed are what an honest second run also gives",
    ),
)


def needs(drill: Drill) -> str:
    """What a check needs, or why no check notices the forgery."""
    if drill.why:
        return drill.why
    conditions = ["a bundle of somebody else"] * (drill.against == BESIDE) + [
        "a run with the profile paper"
    ] * drill.whole
    return ", ".join(conditions)
