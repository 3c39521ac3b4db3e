"""Rules for prompt files: what is wrong or risky in them, found without asking a model."""
