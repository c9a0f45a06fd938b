"""The one place where plans meet network, clock and threads."""
