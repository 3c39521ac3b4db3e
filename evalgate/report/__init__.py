"""Reports: projections of one finished run."""
