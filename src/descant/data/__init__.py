"""Datasets and what is made from them."""
