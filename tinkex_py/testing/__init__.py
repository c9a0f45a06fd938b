"""For programs that use this client, and for this client itself: virtual time, a simulated network, strategies."""
