"""Model files: what is in them, where they come from, and what of them fits this machine."""
