"""Values and events turned into characters; rich is imported only by the live panel."""
