"""Bundles that others send: like `stored_files`, damaged in their bytes, as an archive, or in their records."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from random import Random

import papers
from benchmarks.forgery import base
from benchmarks.fuzz.damage import READ, Case, Read, altered, damaged, repacked
from common.bundles import archive
from common.bundles.records import CLAIMED, FAILED
from common.bundles.schema import HEAD
from common.bundles.verify import verify
from common.errors import UserError


def bundles(folder: Path) -> Case:
    """A bundle of one experiment; verifying a damaged one ends with a failed check or with what the file says."""
    records = base.contents((("stcnn-smic/published", 0),))
    head = records.pop(HEAD)
    released = {head["version"]: {head["paper"]: head["sources"]}}
    good = archive.packed(archive.sealed(head, records))
    path = folder / "case.zip"

    def resealed(rng: Random) -> bytes:
        """One node of a record changed, and the digests of the files renewed."""
        own = json.loads(json.dumps({HEAD: head, **records}))
        own = altered(own, rng)
        buffer = io.BytesIO()
        files = {name: json.dumps(record).encode() for name, record in own.items() if name != HEAD}
        if isinstance(own.get(HEAD), dict):
            own[HEAD]["files"] = {name: archive.sha256(content) for name, content in files.items()}
        with zipfile.ZipFile(buffer, "w") as new:
            for name, content in {**files, HEAD: json.dumps(own.get(HEAD)).encode()}.items():
                new.writestr(name[:60000], content)
        return buffer.getvalue()

    def case(rng: Random) -> Read:
        how = rng.choice((lambda: damaged(good, rng), lambda: repacked(good, rng), *[lambda: resealed(rng)] * 3))
        path.write_bytes(how())

        def read() -> str:
            (result,) = verify([path], papers.load, released)
            if result.bundle is None:
                raise UserError(result.findings[0].text)
            assert (result.tier == CLAIMED) == any(finding.kind == FAILED for finding in result.findings)
            return READ

        return read

    return case
