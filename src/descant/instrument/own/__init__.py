"""Instruments that users make from recordings of their own."""
