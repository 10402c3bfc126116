"""Dry Debug reads ML training and inference code without running it and says what will go wrong."""

__version__ = "0.1.0"
