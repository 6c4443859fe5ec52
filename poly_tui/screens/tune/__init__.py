"""The section in which tasks are tuned: drafts, previews, and comparisons of what is saved with what is drafted."""
