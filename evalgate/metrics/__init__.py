"""Metrics: the quality of an output, as additive rows and a score of their sum."""
