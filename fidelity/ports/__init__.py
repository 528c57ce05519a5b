"""Networks of the papers, written a second time from their text in another framework."""
