"""A model's card as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.corpora.marker import LICENSED
from common.report.formatting import DASH, number

NOTICE = "Stand-in model: it was trained on synthetic faces. Its predictions say nothing about people."
DIRECTIONS = {"reads": "input", "answers": "output"}
"""The fields of a network's tensors, as the text calls them."""


def main_score(card: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first of a card's scores: UF1, if it was measured."""
    return next(iter(card["scores"]), None)


def score_line(score: Mapping[str, Any]) -> str:
    """A score with its interval and chance level, as one line."""
    low, high, chance = (
        number(value if isinstance(value := score.get(name), int | float) else None, 3)
        for name in ("low", "high", "chance")
    )
    within = f" (95% interval {low} to {high})" if low != DASH else ""
    folds = f"{score['n_folds_done']} of {score['n_folds']} folds"
    name = {"uf1": "UF1", "uar": "UAR"}.get(score["metric"], score["metric"])
    return f"{name} {number(score['value'], 3)}{within}, chance {chance}, {folds}"


def text(card: Mapping[str, Any]) -> str:
    """A card as Markdown."""
    reference = card["reference"]
    lines = [f"# {card['paper']} {card['experiment']}", ""]
    lines += [f"**{NOTICE}**", ""] if card["data"] != LICENSED else []
    lines += [f"{reference['authors']}: {reference['title']}. {reference['venue']}, {reference['year']}."]
    lines += [reference["url"]] if reference["url"] else []
    lines += ["", f"Network: {card['title']}. A reimplementation; {card['protocol']}.", "", "## Training data", ""]
    classes = card["classes"]
    lines += [f"| corpus | clips | subjects | {' | '.join(classes)} |", f"|---|---|---|{'---|' * len(classes)}"]
    for corpus in card["corpora"]:
        counts = " | ".join(str(corpus["by_class"].get(name, 0)) for name in classes)
        lines.append(f"| {corpus['title']} ({card['data']}) | {corpus['clips']} | {corpus['subjects']} | {counts} |")
    lines += [
        "",
        *(f"- {corpus['title']}: {corpus['citation']}" for corpus in card["corpora"] if corpus["citation"]),
        "",
    ]
    lines += ["## Scores", "", f"{card['scores_of']}.", ""]
    lines += [f"- {score_line(score)}" for score in card["scores"]] or [f"- {DASH}, not measured"]
    lines += ["", "Measured by", "", f"    {card['scores_command']}", "", "## Files", ""]
    for name, entry in card["files"].items():
        lines.append(f"- `{entry['file']}` ({name}, {entry['parameters']:,} parameters, SHA-256 `{entry['sha256']}`)")
        for direction in DIRECTIONS:
            for key, tensor in entry[direction].items():
                shape = "x".join("rows" if size is None else str(size) for size in tensor["shape"])
                lines.append(f"  - {DIRECTIONS[direction]} `{key}`: {tensor['dtype']} {shape}")
    lines += ["", f"The output `emotion` gives the probabilities of {', '.join(classes)}, in this order.", ""]
    for step, explanation in card["how"].items():
        lines += [f"### {step}", "", *explanation.splitlines(), ""]
    lines += ["To load the networks without this project:", "", "```python", "import keras", ""]
    lines += [f'{name} = keras.saving.load_model("{entry["file"]}")' for name, entry in card["files"].items()]
    lines += ["```", "", "## Settings", "", f"Profile {card['profile']}, seed {card['seed']}.", ""]
    lines += [f"- {line}" for line in card["shortened"]] or ["- Epochs and sizes are those of the paper."]
    lines += ["", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in card["settings"].items()]
    lines += ["", "## Departures from the paper", "", "| no. | topic | paper | this project | reason |"]
    lines += ["|---|---|---|---|---|"]
    for departure in card["departures"]:
        cells = (departure["number"], departure["topic"], departure["paper_says"], departure["we_do"], departure["why"])
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    lines += ["", "## Environment", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in card["environment"].items()]
    lines += ["", "## Licence", "", card["licence"], ""]
    return "\n".join(lines)
