"""The cost of a full study, measured and estimated."""
