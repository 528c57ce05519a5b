"""What each network can see: a benchmark with a known answer."""
