"""The chats that are kept: trees of turns in one SQLite file, which is written while answers come in.

tree        a chat in memory: turns, their versions side by side, and the path that is shown
errors      what can be wrong with the file, in words
database    the file: opened, migrated, and taken turns at by all who write to it
store       what is asked of the file, and told to it
scribe      a thread that writes, so that nobody has to wait for the disk
log         a chat that is going on: what is asked and answered goes into the tree, and to the scribe
export      a chat as Markdown, JSON or HTML
code        a turn as a program that asks it again
"""
