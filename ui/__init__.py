"""The web UI: a workshop that does the work, panels that show it, a page that holds them."""
