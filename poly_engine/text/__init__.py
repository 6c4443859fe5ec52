"""From the bytes of tokens to the text that a user may see: UTF-8, stop sequences, private texts."""
