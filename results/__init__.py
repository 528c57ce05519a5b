"""Bundles that others have contributed."""
