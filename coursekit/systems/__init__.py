"""Systems that run: live services on this machine's loopback, a caller for them, and a simulated network."""
