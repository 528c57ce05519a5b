"""How clips are split, what keeps test clips out of training, and the controls."""
