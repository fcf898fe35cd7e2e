"""Playbooks as values: what one says, what may be in it, how far a run is, and what comes next."""
