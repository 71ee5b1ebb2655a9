"""Drawing: a checked request, the pictures of its plans, and the events told meanwhile."""
