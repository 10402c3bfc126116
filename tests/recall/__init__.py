"""Real fixes of public repositories: what is found before them, and gone after them."""
