"""Continuous batching: many sequences over one model and one KV cache.

The loop of `worker.py` is three calls: `scheduler.next_batch()`, `runner.decode(batch)`, `scheduler.accept(tokens)`.
"""
