"""How fast Poly is, as ratios against the bare library in the same run. `just bench` prints the table."""
