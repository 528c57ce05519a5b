"""Second implementations of the papers' networks, used to check the first."""
