"""The configuration file, and what one begins with: the only layer that knows YAML."""
