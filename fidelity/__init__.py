"""Independent second implementations, written from the papers' text, to compare the suite's numbers with."""
