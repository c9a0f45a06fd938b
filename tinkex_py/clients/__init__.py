"""Clients for users: state, and one operation per method, for blocking and async programs from one text."""
