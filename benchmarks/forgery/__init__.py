"""Forgery drills: ways to falsify a bundle, and which check notices each of them."""
