"""Graphs of task steps: what combines the tasks."""
