"""The verbs of `poly`, each in the module of its name, as `command`; and what they share.

foreground      an event loop that Ctrl-C interrupts
prompt          the prompt from the words and from stdin
kept_chat       a chat of `poly chat`, kept for another day
lines           the prompts of a chat, line by line
answer          an answer, to stdout as text or JSON
listing         rows and records, to stdout as a table, TSV or JSON
loading         the loading of a model, shown if it takes long
model_files     what the files of models say before they are loaded
findings        what the doctor looks at
names           the names of tasks and models, completed by the shell
"""
