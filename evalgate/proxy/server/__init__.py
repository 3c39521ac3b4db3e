"""The OpenAI-compatible server: recorded, fresh or made-up answers for applications in any language."""
