"""From elements to things, scenes and how things stand to each other."""
