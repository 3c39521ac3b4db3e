"""Health checks of golden datasets: one family a file, all fed from one pass over the cases."""
