"""Planning, preparing, training and storing: the steps from a command to its results."""
