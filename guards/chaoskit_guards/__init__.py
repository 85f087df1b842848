"""The fixes for the first seven days of an LLM agent in production."""
