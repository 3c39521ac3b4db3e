"""The gate configuration: strict YAML in, frozen settings out."""
