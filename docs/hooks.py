"""Hooks for the MkDocs build: they add the pages that are generated from data and replace the marks in the others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import papers  # noqa: E402
from docs import generate, marks, notebook  # noqa: E402


def on_config(config: Any) -> Any:
    """Add a page for each paper to the navigation."""
    section: list[Any] = next(item["Papers"] for item in config.nav if "Papers" in item)
    known = {str(entry) for item in section if isinstance(item, dict) for entry in item.values()}
    section += [{key: name} for key in papers.available() if (name := f"papers/{key}.md") not in known]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the papers' pages, the drawings of their networks, the notebook and the image that the README also shows."""
    made: dict[str, str | bytes] = {"papers/index.md": generate.index(), "networks.md": generate.gallery()}
    made |= notebook.files()
    made |= {f"papers/{key}.md": generate.page(key) for key in papers.available()}
    for key in papers.available():
        made |= {f"networks/{name}": svg for name, svg in generate.drawings(key).items()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    files.append(File("example.png", str(ROOT / "reports"), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, **about: Any) -> str:
    """Replace the marks of a page with content generated from data."""
    return marks.filled(markdown)
