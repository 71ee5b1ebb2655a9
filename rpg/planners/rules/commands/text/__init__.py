"""Edits of subprompts and prompts as text: names, attributes, settings and styles."""
