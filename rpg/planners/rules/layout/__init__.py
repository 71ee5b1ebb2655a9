"""From things and relations to boxes on the canvas."""
