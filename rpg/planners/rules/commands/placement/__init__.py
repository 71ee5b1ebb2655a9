"""Placement: boxes for regions that are added, moved or resized, and for those that make room."""
