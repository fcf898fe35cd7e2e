"""Playbooks as files: found, read, checked for their form; their JSON Schema."""
