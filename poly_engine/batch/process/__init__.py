"""A worker in a process of its own: whatever becomes of it, this process lives on.

    event loop -- SimpleQueue --> writer -- pipe -->  child: main thread -- SimpleQueue --> worker (ThreadHost)
        ^                                               | questions to the vocabulary: clerks
        '---- callbacks ------- keeper <----- pipe -----'

`host.py` is the parent's side, `child.py` the program of the child, `wire.py` what crosses the pipes.
"""
