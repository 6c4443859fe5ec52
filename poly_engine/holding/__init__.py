"""Which models are in memory: for how long after they were last used, and which of them within a budget."""
