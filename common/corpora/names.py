"""The usual names of corpora in texts."""

from __future__ import annotations

import re

USUAL = {
    "megc2019": "MEGC 2019",
    "casme2": "CASME II",
    "megc2019_flow": "public flow maps of MEGC 2019",
    "casme_sq": "CAS(ME)^2",
    "casme_sq_recordings": "CAS(ME)^2 recordings",
    "samm": "SAMM",
    "smic": "SMIC",
    "smic_e": "SMIC-E-HS",
    "smic_nir": "SMIC-NIR",
    "smic_vis": "SMIC-VIS",
}
_NAME = re.compile(rf"(?<![\w/-])(?:{'|'.join(sorted(USUAL, key=len, reverse=True))})(?![\w/-])")


def named(text: str) -> str:
    """Return a text with the usual names of corpora: `SMIC` for `smic`, but not in `smic/s1` or `smic-loso`."""
    return _NAME.sub(lambda found: USUAL[found[0]], text)
