"""atrous: convolutional networks on the CPU; run fast, scaled exactly to inputs of any size, seen in every number."""

__version__ = "0.1.0"
