"""Expressions over a letter (JMESPath): which ones are meant, and what is made of them."""
