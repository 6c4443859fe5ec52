"""The front ends that people use: the `poly` command with its verbs, and the terminal interface."""
