"""A second definition of every network and data step of the five papers, from their text, and how it compares."""
