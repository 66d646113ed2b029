"""Scenes: one module for each kind, from settings and networks to cells with states and numbers."""
