"""The PDF page of a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.predict.card_text import main_score, score_line
from common.predict.caveats import notices
from common.predict.pictures import FAINTEST, Picture, Strip
from common.report.formatting import DASH, number
from common.report.write import typeset
from common.vision import images

_STRIPS_HEIGHT = 5.8
"""Height of all strips together, in centimetres."""
_REMARKS, _LETTERS = 12, 330
NEVER = "never seen"


def likely(probability: float) -> str:
    """A probability with three decimals, never shown as certain."""
    return "<0.001" if probability < 0.001 else ">0.999" if probability > 0.999 else number(probability, 3)


def answer_line(record: Mapping[str, Any]) -> str:
    """All classes with their probabilities, highest first, then those that the model has never seen."""
    probabilities = record["probabilities"]
    order = sorted(probabilities, key=lambda name: -probabilities[name])
    shown = [f"{name} {likely(probabilities[name])}" for name in order]
    return ", ".join([*shown, *(f"{name} {NEVER}" for name in record["never_seen"])])


def page(
    record: Mapping[str, Any], card: Mapping[str, Any], frames: Sequence[tuple[str, Picture]], strips: Sequence[Strip]
) -> bytes:
    """The PDF of a prediction from its record, the model's card, frames with captions, and strips of the inputs."""
    files = {f"frame{place}.png": images.png(picture) for place, (_, picture) in enumerate(frames)}
    files |= {f"strip{place}.png": images.png(strip.picture) for place, strip in enumerate(strips)}
    columns = 1 if len(strips) < 4 else 2 if len(strips) < 5 else 3
    rows = -(-len(strips) // columns)
    view = {
        "banner": " ".join(notices(card)) or None,
        "dash": DASH,
        "key": card["paper"],
        "profile": card["profile"],
        "data": f"trained on {card['data']} corpora",
        "title": _cut(record["source"]["name"], 80),
        "source": _source(record),
        "bars": _bars(record, card),
        "caution": "A probability shows how confident the network is, not how often it is right.",
        "facts": _facts(card),
        "frames": [{"file": f"frame{place}.png", "caption": caption} for place, (caption, _) in enumerate(frames)],
        "columns": columns,
        "strip_height": min(_STRIPS_HEIGHT / rows - 0.45, 3.6),
        "strips": [
            {"file": f"strip{place}.png", "caption": _strip_caption(strip, len(strips))}
            for place, strip in enumerate(strips)
        ],
        "rests": _rests(record, strips),
        "remarks": _remarks(record["remarks"]),
        "card": _card(record, card),
    }
    return typeset(Path(__file__).parent / "prediction.typ", view, files)


def _source(record: Mapping[str, Any]) -> str:
    source = record["source"]
    return (
        f"{source['frames']} frames of {source['width']}x{source['height']} pixels at {source['fps']:g} per second "
        f"({source['seconds']:.2f} s), SHA-256 {source['sha256'][:16]}…"
    )


def _bars(record: Mapping[str, Any], card: Mapping[str, Any]) -> list[dict[str, Any]]:
    everything = max(sum(card["by_class"].values()), 1)
    return [
        {
            "name": name,
            "share": min(max(value, 0.0), 1.0),
            "value": likely(value),
            "answer": name == record["answer"],
            "chance": card["by_class"].get(name, 0) / everything,
        }
        for name, value in record["probabilities"].items()
    ] + [{"name": name, "share": 0.0, "value": NEVER, "answer": False, "chance": 0.0} for name in record["never_seen"]]


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    reference, score = card["reference"], main_score(card)
    learnt = "; ".join(f"{corpus['title']} {corpus['clips']}" for corpus in card["corpora"])
    measured = score_line(score) if score else f"{DASH}, not measured; the card gives the command"
    return [
        ("Paper", _cut(f"{reference['authors'].split(',')[0]} et al., {reference['year']} ({card['paper']})", 80)),
        ("Network", _cut(f"{card['title']} ({card['experiment']})", 110)),
        ("Training data", _cut(f"{card['clips']} clips of {card['subjects']} subjects, {card['data']}: {learnt}", 150)),
        (
            "Score",
            f"{measured} ({card['scores_of'].partition(',')[0]}, of networks trained in the same way)"
            if score
            else measured,
        ),
    ]


def _card(record: Mapping[str, Any], card: Mapping[str, Any]) -> list[tuple[str, str]]:
    files = ", ".join(f"{entry['file']} ({entry['parameters']:,} parameters)" for entry in card["files"].values())
    changed = "; ".join(card["shortened"]) or "nothing"
    return [
        ("Files", files),
        ("Card", f"SHA-256 {record['model']['sha256'][:16]}… in {_cut(record['model']['folder'], 90)}"),
        ("Protocol", card["protocol"]),
        ("Shortened", _cut(changed, 220)),
        ("Precision, seed", f"{card['precision']}, {card['seed']}"),
        ("Departures from the paper", f"{len(card['departures'])}, listed in the card with their reasons"),
        ("Measured by", _cut(card["scores_command"], 220)),
        ("Licence", _cut(card["licence"], 330)),
    ]


def _strip_caption(strip: Strip, count: int) -> str:
    name = strip.name.replace("_", " ")
    if count > 3 or len(strip.captions) < 3:  # many small strips, or one image
        return f"{name}; right: covering it lowers the probability by up to {number(strip.largest, 3)}"
    shown = f"{strip.captions[0]} to {strip.captions[-2]}"
    return f"{name}: {shown}; right: covering it lowers the probability by up to {number(strip.largest, 3)}"


def _rests(record: Mapping[str, Any], strips: Sequence[Strip]) -> str:
    largest = max(strip.largest for strip in strips)
    if largest < FAINTEST:
        return f"Covering parts of the input never lowers the probability of {record['answer']}."
    before = likely(record["probabilities"][record["answer"]])
    return (
        "Colour marks where covering all frames with a patch of the input's mean value lowers the probability of "
        f"{record['answer']} ({before}); full colour means by {number(largest, 3)}."
    )


def _remarks(remarks: Sequence[str]) -> list[str]:
    shown = [_cut(line, _LETTERS) for line in remarks[:_REMARKS]]
    return [*shown, f"And {len(remarks) - _REMARKS} more in the JSON file."] if len(remarks) > _REMARKS else shown


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
