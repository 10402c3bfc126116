"""What the releases of a library hold, read without importing them: the rooms behind `tools/check_removed.py`."""
