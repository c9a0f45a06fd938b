"""The embedded engine: a tiny transformer that trains and samples in the process."""
