"""What a run shows while it works, and its log."""

from common.progress.display import Display, doing

__all__ = ["Display", "doing"]
