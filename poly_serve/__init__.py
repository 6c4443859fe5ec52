"""The headless daemon and its client."""
