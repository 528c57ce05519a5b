"""What the papers share: corpora, face algorithms, protocols, training, results and reports."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[1].joinpath("pyproject.toml").is_file()
"""Whether this is a checkout of the project, where the command is `python run_all.py`, and not an installed package."""


def program() -> list[str]:
    """The words that start the command line here."""
    return ["python", "run_all.py"] if CHECKOUT else ["mer-suite"]
