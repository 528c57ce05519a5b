"""A `Report` as JSON, CSV and PDF files; needs neither TensorFlow nor Keras."""

from common.report.write import write

__all__ = ["write"]
