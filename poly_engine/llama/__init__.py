"""The binding to llama.cpp: the only place that names `llama_cpp`.

Everything here is blocking, and belongs to the one thread that owns the model, but for `Vocabulary`, which never
changes once loaded and may be read from anywhere.
"""
