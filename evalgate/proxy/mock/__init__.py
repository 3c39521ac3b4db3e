"""The mock: answers and faults that are a deterministic function of the request; no model, no clock, no chance."""
