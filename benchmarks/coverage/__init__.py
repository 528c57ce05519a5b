"""How often 95% intervals contain the true score, and what is said of differences holds, in simulated data sets."""
