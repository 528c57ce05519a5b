"""The options of `run_all.py`."""
