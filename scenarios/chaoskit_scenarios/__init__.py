"""The catalogue of shipped scenarios: `*.chaos.toml` files beside this one."""
