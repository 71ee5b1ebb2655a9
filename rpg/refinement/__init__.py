"""The closed loop: look at the picture, draw again what is wrong, keep what is better."""
