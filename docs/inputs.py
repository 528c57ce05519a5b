"""Draw what each network reads, for the pages of the papers: one clip of synthetic faces, at the paper's own sizes.

python docs/inputs.py --cache DIR

Writes the pictures to docs/pages/inputs and their captions to docs/inputs.json. Takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import papers  # noqa: E402
from benchmarks.prepared import of_paper  # noqa: E402
from common.contract import Parts, Profile  # noqa: E402
from common.files import write_json  # noqa: E402
from common.runs import drawing  # noqa: E402
from common.runs.cache import Cache  # noqa: E402
from common.types import Arrays, Clip  # noqa: E402
from common.vision import images  # noqa: E402
from common.vision.faces import FaceFinder  # noqa: E402
from docs.generate import FOLDER, INPUTS, by_network, file_of  # noqa: E402


def small(profile: Profile) -> Profile:
    """The paper's own sizes, on few stand-ins."""
    return replace(profile, subjects=2, clips=2)


def main() -> None:
    """Draw the input of every network that reads faces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the stand-ins")
    cache, faces, shown = Cache(parser.parse_args().cache), FaceFinder(None), {}
    FOLDER.mkdir(exist_ok=True)
    for key in papers.available():
        for network, experiment in by_network(papers.load(key)).items():
            if experiment.collected_from:
                continue  # maps of real clips, whose files are not stand-ins
            job = of_paper(key, experiment.id, cache, small).job()
            parts = papers.parts(key)

            def prepared(clip: Clip, parts: Parts = parts, inputs: Any = job.settings.inputs) -> Arrays:
                return parts.preprocess.prepare(images.frames_of(clip), inputs, faces)

            seen = drawing.seen(job, job.clips, parts, prepared)
            assert seen is not None  # every paper reads images
            name = file_of(key, network)
            (FOLDER / f"{name}.png").write_bytes(images.png(seen.picture))
            shown[name] = {"clip": seen.clip, "captions": list(seen.captions)}
            print(name, *seen.captions, sep="; ")
    write_json(INPUTS, shown)


if __name__ == "__main__":
    main()
