"""The door: parse, one call, print, exit code."""
