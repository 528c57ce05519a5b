"""A `Report` as JSON, CSV and PDF files; needs neither TensorFlow nor Keras."""

from common.report.write import PageError, write

__all__ = ["PageError", "write"]
