"""The two sides of a comparison: the networks of the suite, and their second definitions, with the same weights."""
