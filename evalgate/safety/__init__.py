"""Safety: detectors that find violations in outputs."""
