"""Evidence: the documents from which another person can derive the verdict again."""
