"""Dead letters: what they are, where they came from, and how they are sent back without losing or flooding anything."""
