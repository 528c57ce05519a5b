"""Bundles that others have contributed, and the digests of released source code."""
