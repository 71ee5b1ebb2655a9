"""Shallow parsing: from text to elements (noun phrases, relations, places, verbs)."""
