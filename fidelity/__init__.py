"""A second definition of every network and data step, written from the papers' text, and its comparison with ours."""
