"""The measurements and counts, the estimated hours, and the tables of both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.report.formatting import DASH, duration, number
from common.runs.cost import Cost, fold_seconds

FILE = Path(__file__).with_name("results.json")
CASES = {
    "Region CNNs, LSTMs": ("aouayeb2019", "composite-loso/cnn-in-fold"),
    "STCNN": ("reddy2019", "stcnn-smic/loso"),
    "FuseNet intermediate": ("reddy2019", "intermediate-smic/loso"),
    "FuseNet late": ("reddy2019", "late-smic/loso"),
    "Model-A": ("talluri2022", "model-a-scenario-1/loso"),
    "Split-Model": ("talluri2022", "split-model-composite/loso"),
    "Model-B": ("talluri2022", "model-b-scenario-1/loso"),
    "Model-C": ("talluri2022", "model-c-scenario-1/loso"),
    "Avatar ResNet34": ("kumar2019", "composite-loso/published"),
    "VGG19": ("le2020", "vgg19-smic/loso"),
    "ResNet50": ("le2020", "resnet50-smic/loso"),
    "SENet50": ("le2020", "senet50-smic/loso"),
    "STSTNet": ("liong2019", "composite-loso/published"),
    "Flow, linear classifier": ("liong2019", "linear-composite/loso"),
    "LBP-TOP, linear SVM": ("see2019", "composite-loso/published"),
}
"""Networks, with the paper and the experiment on whose first fold they are trained."""
ALIKE = {"torchvision's ResNet50": "ResNet50"}
"""Networks that are not measured, and measured networks of about the same cost."""


def read(path: Path) -> dict[str, Any]:
    """The results of a file, by network and by experiment; empty if it does not exist."""
    if not path.is_file():
        return {"networks": {}, "experiments": {}}
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def experiment_seconds(record: Mapping[str, Any], network: Mapping[str, Any]) -> float:
    """The seconds of training all folds of an experiment, from its counts and the measurements of its network."""
    cost = Cost(
        network["flops"],
        network["fixed_seconds"],
        {name: part["seconds_per_clip"] for name, part in network["epochs"].items()},
    )
    epochs = {name: part["paper"] for name, part in network["epochs"].items()}
    shared = {name: epochs.pop(name) for name in record["once"]}
    fold = cost.build + fold_seconds(cost, record["fold_clips"], epochs, record["flops"])
    together = cost.build + fold_seconds(cost, record["clips"], shared, record["flops"]) if shared else 0.0
    return record["folds"] * record["trainings"] * fold + together


def table(networks: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table, one line per network."""
    head = ["Network", "Experiment", "Clips", "Epochs", "Training", "One fold", "Peak memory", "Preparing a clip"]
    head += ["Accuracy, training clips", "Accuracy, held-out clips"]
    lines = [head, ["---"] * len(head)]
    for network, (paper, experiment) in CASES.items():
        record = networks.get(network)
        cells = [DASH] * (len(head) - 2)
        if record:
            epochs = record["epochs"].values()
            clips = record["trained_clips"], record["training_clips"]
            prepared = record["preparing_seconds_per_clip"]
            whole = {"folds": 1, "trainings": 1, "once": [], "fold_clips": clips[1], "flops": record["flops"]}
            cells = [
                f"{clips[0]}" if clips[0] == clips[1] else f"{clips[0]} of {clips[1]}",
                " + ".join(f"{part['trained']} of {part['paper']}" for part in epochs),
                duration(record["seconds"]),
                duration(experiment_seconds(whole, record)),
                f"{record['peak_memory_mib'] / 1024:.1f} GiB",
                duration(prepared),
                number(record["training_accuracy"], 2),
                number(record["held_out_accuracy"], 2),
            ]
        lines.append([network, f"`{paper} {experiment}`", *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def hours(results: Mapping[str, Any]) -> str:
    """Markdown: for each paper the total time by default, and a table of its experiments.

    Variants of the same cost share a line. A dash means that the network was not measured.
    """
    parts = []
    for key, experiments in results["experiments"].items():
        lines: dict[tuple[str, ...], list[str]] = {}
        default: list[float | None] = []
        for name, record in experiments.items():
            network = results["networks"].get(ALIKE.get(record["network"], record["network"]))
            seconds = experiment_seconds(record, network) if network else None
            default += [] if record["on_request"] else [seconds]
            times = f" x {record['trainings']}" if record["trainings"] > 1 else ""
            trained = f"{record['folds']}{times}", f"{record['fold_clips']:.0f}", duration(seconds)
            title, variant = name.split("/")
            cells = f"`{title}`", record["protocol"], *trained
            lines.setdefault(cells, []).append(f"`{variant}`" + "*" * record["on_request"])
        whole = duration(None if None in default else sum(filter(None, default)))
        rows = [(name, ", ".join(variants), *rest) for (name, *rest), variants in lines.items()]
        head = ("Experiment", "Variants", "Protocol", "Trainings", "Training clips", "Training")
        body = "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
        parts.append(f"### {key}\n\nBy default, in total: {whole}.\n\n{body}\n")
    return "\n".join(parts)
