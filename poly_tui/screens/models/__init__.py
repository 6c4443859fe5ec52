"""The section of models: what there is, whether it fits, and what can be done with it."""
