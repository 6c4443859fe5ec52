"""The screens of the terminal interface and what they are about."""
