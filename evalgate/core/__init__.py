"""The cellar: values, canonical JSON, digests, errors and plugin loading, shared by every room."""
