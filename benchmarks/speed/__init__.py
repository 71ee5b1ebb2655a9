"""How long pictures take, side by side with plain diffusers."""
