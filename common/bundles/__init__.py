"""Bundles: the stored folds of a study as plain JSON in a ZIP file, which others can verify without the corpora."""
