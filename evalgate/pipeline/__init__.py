"""The corridor: knows the order of the rooms."""
