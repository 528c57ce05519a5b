"""Networks: their layers, training, weights, and what they look at."""
