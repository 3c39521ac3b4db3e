"""Prompts as versioned files: read, rendered, digested."""
