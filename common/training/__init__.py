"""Networks: their layers, training, weights and explanations."""
