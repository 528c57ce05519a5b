"""The faults that are planted, each with the check that must notice it."""
