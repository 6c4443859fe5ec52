"""What an answer has to look like: schemas and grammars compiled to token masks, and output that always ends whole.

source, notation, dialect           what somebody writes, to a JSON schema
schema, keywords, gaps, whitespace  what cannot be enforced, refused with the path to it
grammar                             the way through these, to a grammar of llguidance and the shortest text that fits
matching, place, search, completion the search for the bytes that end a text from where it stands
spelling, ending                    how few tokens write those
compiled                            grammars over the vocabulary of a model, each compiled once
biaser, taken                       one answer: its masks, what is forced, and how it ends when the tokens run out
verify                              the last look at an answer, by jsonschema
"""
