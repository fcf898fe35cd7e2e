"""Playbooks, run: prepared, begun, taken up, steered."""
