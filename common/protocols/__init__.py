"""Splits of clips, guards that keep test clips out of training, and controls."""
