"""An invented world with known truth: animals, places and the camera that photographs them."""
