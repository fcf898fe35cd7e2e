"""An in-memory AWS, clock and journal that implement the ports, with verbs for what goes wrong."""
