"""Écluse: a fair, provable virtual waiting room. This package is the core: what a line is; it knows no HTTP."""
