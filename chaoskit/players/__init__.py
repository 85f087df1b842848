"""The players: in process, below the SDKs."""
