"""Models that a server has, which speaks OpenAI's protocol: tasks, embeddings, and what goes wrong with them.

Over the wire there is only text, and the server makes tokens of it: nothing tells what a user says from the texts of
special tokens, but what a task keeps private, and what its own prompts mark turns with, is refused.
"""
