"""What a full study costs, measured and reckoned."""
