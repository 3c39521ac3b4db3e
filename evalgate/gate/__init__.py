"""The gate: thresholds held against results. No input or output happens here."""
