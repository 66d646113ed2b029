"""Figures: what convolutions do, drawn from the numbers that run them. A scene says what is shown; many formats draw it."""
