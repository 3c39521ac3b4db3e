"""Golden datasets: cards, cases and their digests."""
