"""What the terminal interface knows of servers: one that it starts, and those that run already."""
