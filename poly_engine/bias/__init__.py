"""What an answer has to look like: schemas and grammars compiled to token masks, and output that always ends whole."""
