"""Stopping a function that does harm, and starting it again."""
