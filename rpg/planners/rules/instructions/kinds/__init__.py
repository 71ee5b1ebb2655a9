"""Kinds of instruction: each module has the forms that it understands, as `FORMS`."""
