"""A user's own clips: read, examined, and answered by a network that is trained once and kept in plain Keras files."""
