"""The fuzz run: few cases of it hold, it draws the same cases again, and it sees whatever a reader must not do."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz.__main__ import KINDS, main
from benchmarks.fuzz.damage import BROKEN, READ, REFUSED, Canary, Case, Read, altered, damaged
from benchmarks.fuzz.process import Reader
from common.errors import UserError

LIGHT = [kind for kind in KINDS if kind != "weights"]
MIB = 2**20
WRONGS = {
    "raises": "at test_fuzz.py",
    "slow": "takes 0.",
    "large": "takes 2",
    "writes": "left ",
    "removes": "os.remove",
    "starts": "subprocess.Popen",
    "unpickles": "pickle.find_class",
    "dies": "the process died (3)",
}


@pytest.mark.slow  # `python -m benchmarks --short`, which CI runs, does the same
def test_few_cases_of_the_light_kinds_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cases", "40", "--kind", *LIGHT]) == 0
    _, *rows = capsys.readouterr().out.strip().splitlines()
    assert [row.split()[0] for row in rows] == LIGHT
    for row in rows:
        cases, read, refused, passed_over, broken = map(int, row.split()[1:6])
        assert (cases, broken) == (40, 0)
        assert read + refused + passed_over == cases
        assert read or row.startswith("landmarks")


def test_a_seed_draws_the_same_damage_again() -> None:
    data = bytes(range(256)) * 4
    first, again = ([damaged(data, Random(f"0 {k}")) for k in range(50)] for _ in range(2))
    assert first == again
    assert len(set(first)) > 45
    records = [repr(altered({"a": [1, {"b": "c"}], "d": 2.5}, Random(f"0 {k}"))) for k in range(50)]
    assert records == [repr(altered({"a": [1, {"b": "c"}], "d": 2.5}, Random(f"0 {k}"))) for k in range(50)]


def misbehave(folder: Path) -> Case:
    """Cases that each do one thing a reader must not do, or that are read or refused as they should be."""
    (folder.parent / "precious").touch()
    kept = []

    def case(rng: Random) -> Read:
        how = rng.choice(sorted([*WRONGS, "reads", "refuses", "mumbles"]))

        def read() -> str:
            if how == "raises":
                raise KeyError("x")
            if how == "slow":
                time.sleep(0.6)
            if how == "large":
                kept.append(b"x" * (200 * MIB))
                kept.clear()
            if how == "writes":
                (folder.parent / "new").touch()
            if how == "removes":
                (folder.parent / "precious").unlink(missing_ok=True)
            if how == "starts":
                subprocess.run([sys.executable, "-c", ""], check=True)
            if how == "unpickles":
                pickle.loads(pickle.dumps(Canary(folder / "canary")))
            if how == "dies":
                os._exit(3)
            if how == "refuses":
                raise UserError("no such table\nnor another")  # which UserError makes one line of
            if how == "mumbles":
                raise type("Error", (UserError,), {"__str__": lambda _: "two\nlines"})("")
            return READ

        return read

    return case


def test_what_a_reader_must_not_do_is_seen() -> None:
    names = sorted([*WRONGS, "reads", "refuses", "mumbles"])
    drawn = {Random(str(k)).choice(names): str(k) for k in range(300)}
    with Reader(misbehave, seconds=0.5, mib=150) as reader:
        outcomes = {name: reader.run(drawn[name]) for name in names}
    assert (outcomes["reads"].what, outcomes["reads"].why) == (READ, "")
    assert (outcomes["refuses"].what, outcomes["refuses"].why) == (REFUSED, "")
    assert outcomes["mumbles"].what == BROKEN
    assert "no printable line" in outcomes["mumbles"].why
    for name, why in WRONGS.items():
        assert outcomes[name].what == BROKEN, name
        assert why in outcomes[name].why, (name, outcomes[name])
