"""Errors, paths, parameters and words that every room uses."""
