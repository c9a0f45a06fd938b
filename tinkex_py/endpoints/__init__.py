"""One pure builder per endpoint: arguments in, Request out. Each docstring begins with `METHOD /path`."""
