"""The options of the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common import program
from common.cli import conflicts
from common.profiles import CUTS


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line, and its `words`; wrong ones end the program with status 2."""
    parser = _parser()
    options = parser.parse_args(argv)
    if conflict := conflicts.first(options, parser):
        parser.error(conflict)
    options.words = [*(sys.argv[1:] if argv is None else argv)]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program()[-1],
        description="Reproduce micro-expression recognition papers and compare published numbers with reproduced ones.",
    )

    what = parser.add_argument_group("what to do (one of these; --list and --audit also with --paper)")
    actions = what.add_mutually_exclusive_group()
    actions.add_argument(
        "--list",
        action="store_true",
        help="list papers; with --paper KEY the experiments, variants and published numbers of this paper",
    )
    actions.add_argument(
        "--audit",
        action="store_true",
        help="check the published numbers by arithmetic, without data; with --paper KEY every check of this paper",
    )
    actions.add_argument(
        "--check-data",
        type=Path,
        metavar="DIR",
        help="show what is found, excluded and corrected in DIR, and what can run",
    )
    what.add_argument(
        "--paper", nargs="+", metavar="KEY", help="run these papers, then write their reports; --list shows the keys"
    )
    actions.add_argument("--all", action="store_true", help="run every paper, then write the reports")
    actions.add_argument(
        "--verify", nargs="+", type=Path, metavar="FILE", help="verify bundles that others made, without data"
    )

    actions.add_argument(
        "--export-flow",
        type=Path,
        metavar="DIR",
        help="write images of optical flow, onset to apex, of every clip of --ground (default: megc2019) into the new "
        "folder DIR, as public code reads them",
    )
    what.add_argument(
        "--recipe",
        metavar="NAME",
        help="with --export-flow: whose images: skd-tstsan, ststnet-thread, htnet, samm-optflow-28, or dis",
    )

    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the licensed corpora; default: stand-ins, clips of synthetic faces",
    )
    data.add_argument(
        "--real-motion",
        type=Path,
        metavar="DIR",
        help="stand-ins of CASME II, SMIC and SAMM whose faces move as the public flow maps in this folder show",
    )
    data.add_argument(
        "--as",
        dest="placed",
        action="append",
        default=[],
        metavar="CORPUS=DIR",
        help="with --data or --check-data: read this corpus from this folder only, whatever its name; repeatable",
    )
    data.add_argument(
        "--corpus",
        nargs="+",
        metavar="NAME",
        help="with --check-data: check only these; smic_e, smic_vis and smic_nir are checked only if named",
    )
    data.add_argument(
        "--motion",
        type=float,
        metavar="FACTOR",
        help="how far faces of stand-ins move, relative to micro-expressions; default: 8 with profile quick, unless "
        "with --real-motion, else 1",
    )
    data.add_argument("--landmarks", type=Path, metavar="FILE", help="another copy of the 68-point landmark model")
    data.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder of stand-ins and prepared clips; default: the user's cache folder",
    )

    chosen = parser.add_argument_group("what is run")
    chosen.add_argument(
        "--ground",
        default="",
        metavar="NAME",
        help="every network of the chosen papers, leak-free, on this common ground only; --list names the grounds",
    )
    chosen.add_argument(
        "--experiment",
        nargs="+",
        metavar="NAME",
        help="only these: NAME or NAME/VARIANT as printed by --list --paper KEY; with --ground of those on the ground",
    )
    chosen.add_argument(
        "--profile",
        choices=("paper", "quick", "smoke"),
        help="paper: in full (default with --data); quick: in minutes (default without --data); smoke: every step once",
    )
    for bound, effect in CUTS.items():
        chosen.add_argument(f"--{bound}", type=int, metavar="N", help=effect)
    chosen.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="change settings of the chosen papers, in any profile; --list --paper KEY shows their names",
    )
    chosen.add_argument(
        "--weights",
        metavar="WHICH",
        help="initial weights of le2020 and kumar2019: imagenet, none, or a file or folder (Keras, safetensors); for "
        "liong2019 the folder with its authors' networks (PyTorch)",
    )
    chosen.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        default="float32",
        help="number format of the computations; weights and predictions are always float32 (default: float32)",
    )
    chosen.add_argument("--seed", type=int, default=0, help="random seed; default: 0")
    chosen.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="run N seeds, starting at --seed; intervals include their spread",
    )
    chosen.add_argument(
        "--controls",
        action="store_true",
        help="also run each experiment with the first frame repeated, frames shuffled, labels permuted within subjects "
        "or a classifier of metadata",
    )
    chosen.add_argument(
        "--tune",
        action="store_true",
        help="also run each experiment with settings chosen on the training subjects of each fold",
    )

    how = parser.add_argument_group("how it is run")
    how.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of processes; default: one per core, maximum 4, but only 1 for training with the profile paper",
    )
    how.add_argument(
        "--scheduler",
        default="",
        metavar="tcp://HOST:PORT",
        help="train on this Dask cluster instead of on this machine",
    )
    how.add_argument(
        "--device",
        default="",
        metavar="NAME",
        help="cpu, gpu, gpu:1 or gpu:0,1; GPUs are numbered as in nvidia-smi; default: a GPU if one is found",
    )
    how.add_argument(
        "--dry-run", action="store_true", help="show what would run and how long it would take here, without running it"
    )
    how.add_argument("--report-only", action="store_true", help="write the reports from stored results")

    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="folder of reports; default: reports"
    )
    output.add_argument(
        "--export",
        nargs="+",
        choices=(*conflicts.TABLES, conflicts.NETWORKS),
        default=(),
        help="also write the comparisons as a table (csv, markdown, latex; csv is always written); with --predict: the "
        "networks (onnx)",
    )
    output.add_argument("--tensorboard", action="store_true", help="also write the finished folds as TensorBoard logs")
    output.add_argument(
        "--show-frames",
        action="store_true",
        help="show frames of licensed clips in index.html; check the licences first",
    )
    output.add_argument(
        "--json", action="store_true", help="with --list, --audit, --check-data or --verify: print JSON"
    )
    output.add_argument(
        "--with",
        dest="others",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="FILE|DIR",
        help="show next to the printed numbers what these bundles of others give (a folder: all bundles in it)",
    )
    output.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE.zip",
        help="with --paper KEY: write the predictions of finished experiments to a file that others can verify",
    )

    own = parser.add_argument_group("your own clips (with --paper KEY)")
    own.add_argument(
        "--predict",
        type=Path,
        metavar="FILE|DIR",
        help="classify a video, a folder of frames, or every video and folder of frames in a folder",
    )
    own.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER|FILE.keras",
        help="with --predict: a saved model; default: one that is trained once and saved",
    )
    own.add_argument("--fps", type=float, metavar="N", help="with --predict: frames per second of the clips")
    return parser
