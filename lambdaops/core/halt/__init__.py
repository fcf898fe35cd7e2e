"""Stopping a function that does harm, and starting it again: records, memory and decisions, as values."""
