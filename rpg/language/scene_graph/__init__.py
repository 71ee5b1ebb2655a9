"""From a prompt to its scene graph: entities, their attributes and relations, and the setting."""
