"""Laws that every metric and detector must obey, for the tests of extensions: run them in any test runner."""

from evalgate.testing.detector_laws import check_detector
from evalgate.testing.metric_laws import check_metric

__all__ = ["check_detector", "check_metric"]
