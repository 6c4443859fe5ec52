"""How the starter model is made: its corpus, its tokenizer, its training, its export and its evaluation."""
