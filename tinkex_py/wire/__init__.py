"""Values to bytes and back, for each dialect of the protocol. Pure."""
