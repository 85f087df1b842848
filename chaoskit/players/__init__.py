"""The players: in process below the SDKs, and a server on a port of this machine."""
