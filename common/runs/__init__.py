"""Planning, preparing, training and storing: what happens between a command and its results."""
