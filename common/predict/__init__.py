"""Predictions for a user's own clips: reading and examining them, and training and saving the network once."""
