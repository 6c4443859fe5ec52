"""What the section of memories does, without its widgets.

paths        a line of paths, typed, completed, dropped or pasted, and what it stands for
survey       what documents are before they are taken in: new, changed, unchanged, unreadable
queue        documents that are being taken in, a few at once
bin          documents that are about to be forgotten, and can be had back
listing      the documents of a memory and those on their way into it, as rows that are filtered and sorted
archive      a memory, written into a file
"""
