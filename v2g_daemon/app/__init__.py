"""One file per use case; composition.py alone builds the parts."""
