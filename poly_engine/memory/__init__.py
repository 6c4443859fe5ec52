"""Memories: chunks of documents with embeddings, found again by what they mean."""
