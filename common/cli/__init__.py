"""The options of the command line, and how an installed package starts it."""

import runpy


def start() -> None:
    """Run run_all.py as the program; the command `mer-suite`. Ends with its exit status."""
    runpy.run_module("run_all", run_name="__main__", alter_sys=True)
