"""The runner: one shard at a time, on one core or many."""
