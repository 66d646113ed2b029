"""Honest speed: layers and networks beside the libraries that people use, each in its own process, in turn, with errors."""
