"""Ask whoever answers: providers, limits, retries, budgets, and the collecting of many answers into a recording."""
