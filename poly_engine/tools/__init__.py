"""Tools that a model may call: functions of the caller, of which the model writes the name and the arguments.

types    tools, calls and results, as they cross the `Engine` interface
form     how a chat template writes calls, found out by asking it
plan     what an answer has to look like in which tools may be called, or have to be
reader   calls in a text, while it is written
"""
