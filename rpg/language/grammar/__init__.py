"""From text to elements: noun phrases, relations, places, verbs."""
