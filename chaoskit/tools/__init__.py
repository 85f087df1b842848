"""How the agent's tools are found, replaced in place, and simulated."""
