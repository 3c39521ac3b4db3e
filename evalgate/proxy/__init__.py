"""The model proxy: canonical requests, recordings and the modes that answer from them."""
