"""Editing: where a picture is drawn anew for a changed plan, and all bytes around it kept."""
