"""Telling people outside the process, without ever waiting for them."""
