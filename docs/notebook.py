"""The notebook as a page: it is run from its first cell to its last, and what the cells show is written below them."""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "notebooks" / "own_network.ipynb"


def run() -> dict[str, Any]:
    """The notebook with the outputs of its cells, run in an empty folder with the code of this checkout.

    Raises nbclient's CellExecutionError if a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=600, coalesce_streams=True, resources=resources)
        client.execute(env=os.environ | {"PYTHONPATH": str(ROOT)})
    return dict(notebook)


def files() -> dict[str, str | bytes]:
    """The page, its pictures and the notebook itself, by file name; with MER_DOCS_COUNT=0 without outputs."""
    source = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(source) if os.environ.get("MER_DOCS_COUNT") == "0" else run()
    text, pictures = page(notebook)
    return {"own_network.md": text, NOTEBOOK.name: source, **pictures}


def page(notebook: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    """The text in Markdown, and the PNG files of its pictures by name. What was written to stderr is left out."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            shown = output.get("data") or {"text/plain": output["text"] if output["name"] == "stdout" else ""}
            text = "".join(shown.get("text/html", shown["text/plain"])).strip()
            if "image/png" in shown:
                name = f"own_network_{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(shown["image/png"])
                parts.append(f"![]({name})")
            elif "text/html" in shown:  # a table, without a style of its own
                parts.append(re.sub(r"<style.*?</style>| (border|class|style)=\".*?\"", "", text, flags=re.DOTALL))
            elif text:
                parts.append(f"```text\n{text}\n```")
    parts.append(f"This page as a notebook: [{NOTEBOOK.name}]({NOTEBOOK.name}).")
    return "\n\n".join(parts) + "\n", pictures
