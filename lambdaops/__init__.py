"""Planned releases and one-command rollbacks for AWS Lambda."""

__version__ = "0.1.0"
