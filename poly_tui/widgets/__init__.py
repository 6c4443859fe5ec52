"""The widgets of the terminal interface, one per file; each owns the messages that it posts."""
