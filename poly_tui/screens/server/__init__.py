"""The section of the server: one that is started here, or one that runs; its tasks, its requests, its log."""
