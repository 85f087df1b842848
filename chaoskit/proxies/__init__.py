"""Standing between an MCP client and a real server: faults in a traffic that is not ours."""
