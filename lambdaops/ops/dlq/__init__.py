"""Work on dead letters, against the ports."""
