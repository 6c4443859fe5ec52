"""`python -m poly_tui` is the `poly` command."""

from poly_tui.cli import main

main()
