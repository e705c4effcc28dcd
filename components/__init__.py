"""The stages of gansweep, one folder each, and the contracts between them."""

__version__ = "0.1.0"
