"""The clocks: virtual time, real time and scaled time."""
