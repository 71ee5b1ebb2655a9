"""From entities and relations to boxes on the canvas."""
