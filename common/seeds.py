"""Seeds derived from names, so that no result depends on what ran before."""

from __future__ import annotations

import hashlib


def seed_of(*names: object) -> int:
    """A 32-bit seed from names (paper, experiment, fold, user's seed)."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, names)).encode()).digest()[:4], "big")
