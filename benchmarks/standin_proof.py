"""Are the stand-in corpora suitable? Prints, for corpora of a given size, what a classifier can find in them.

python -m benchmarks.standin_proof --subjects 5 --clips 4
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.options import parsed
from common import standin
from common.standin.proof import Proof, prove, stimulated, usable


def main(arguments: Sequence[str] | None = None) -> int:
    """Write corpora of the given size, unless they exist, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=5, help="subjects per corpus; 0 for all")
    parser.add_argument("--clips", type=int, default=4, help="classed clips per subject; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the corpora")
    parser.add_argument("--apexes", type=int, default=30, help="clips whose apex is estimated")
    parser.add_argument("--permutations", type=int, default=5, help="permutations of the classes, to measure chance")
    chosen = parsed(parser, arguments, subjects=2, clips=2, apexes=1, permutations=1)
    started = time.perf_counter()
    data = standin.ensure(chosen.cache, subjects=chosen.subjects or None, clips=chosen.clips or None, seed=chosen.seed)
    print(f"corpora written or found in         {time.perf_counter() - started:8.1f} s")
    for title, known in (("CASME II, SMIC and SAMM", usable(data)), ("CAS(ME)^2", stimulated(data))):
        print(f"\n{title}")
        _print(prove(known, chosen.apexes, chosen.permutations))
    return 0


def _print(proof: Proof) -> None:
    with_face, total = proof.faces
    near = float(np.mean(np.array(proof.apex_errors) <= 8))
    for line in (
        f"clips of the three classes          {proof.clips:8d}",
        f"frames with a face (dlib)           {with_face / total:8.1%}   of {total}; at least 99%",
        f"UF1, flow from onset to apex, LOSO  {proof.flow_uf1:8.3f}   at least 0.9",
        f"UF1, onset frame only, LOSO         {proof.onset_uf1:8.3f}   permuted: {proof.chance_uf1:.3f}",
        f"apex error, median                  {np.median(proof.apex_errors):8.1f}   frames",
        f"apex within 8 frames                {near:8.1%}   of {proof.timed} clips",
        f"apex error, mean, of clip length    {np.mean(proof.apex_shares):8.1%}",
        f"apex error, largest                 {max(proof.apex_errors):8d}   frames",
        f"measured in                         {proof.seconds:8.1f} s",
    ):
        print(line)


if __name__ == "__main__":
    sys.exit(main())
