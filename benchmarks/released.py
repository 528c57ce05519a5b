"""Write the digests of the source code of this version to results/released.json: python -m benchmarks.released.

Entries of other versions are not changed.
"""

from __future__ import annotations

import papers
from common.bundles import released
from common.files import write_json


def digests() -> dict[str, str]:
    """The digest of the source code of each paper, as it is now."""
    return {key: released.sources_digest(papers.code(key)) for key in papers.available()}


def main() -> None:
    """Write the entry of the current version."""
    known = dict(released.read()) if released.FILE.is_file() else {}
    write_json(released.FILE, known | {released.current(): digests()})
    print(f"wrote {released.FILE}")


if __name__ == "__main__":
    main()
