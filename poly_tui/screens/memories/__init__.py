"""The section of memories.

screen       what one can do with a memory, and what is shown of it
memories     the list of memories to choose from
documents    the documents of a memory, with those on their way into it
search       what a memory finds, while one types, and how it was found
options      what a search goes by, to be changed
chunks       the chunks of a document, read one after the other
taking_in    a line of paths, and what they stand for before anything is done
dialogs      a line to type, a form, a card to read
"""
