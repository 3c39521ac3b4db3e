"""Paired statistics: what the rows of two variants let one conclude. No input or output happens here."""
