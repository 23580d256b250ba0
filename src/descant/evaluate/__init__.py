"""Metrics and reports: results against references."""
