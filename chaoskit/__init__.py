"""Live the first seven days of production before you ship your LLM agent."""
