# What can be done here; `just` alone lists it.
[private]
default:
    @just --list --unsorted

# Set up the environment with everything that development needs
setup:
    uv sync --inexact

# Talk to the starter model, or run any other verb: just run poly tokenize starter "hello"
run *args='poly run starter hello':
    uv run {{ args }}

# Open the terminal interface
tui *args:
    uv run poly tui {{ args }}

# Run the tests, on all cores
test *args:
    uv run pytest -n logical --dist loadfile {{ args }}

# Keep what the screens look like, after looking at them
snap *args='tests/tui':
    POLY_SNAP=1 uv run pytest {{ args }}

# Take the pictures of the README anew, all or some: just pictures tune server
pictures *args:
    uv run python -m tests.tui.pictures {{ args }}

# Check formatting, style, types and the layering of imports
check:
    uv run ruff format --check .
    uv run ruff check .
    uv run mypy
    uv run lint-imports

# Mend what can be mended by itself
fix:
    uv run ruff check --fix .
    uv run ruff format .

# Measure speed against the bare library
bench *args:
    uv run python -m tests.bench {{ args }}

# Measure how well memories find what answers a question: just bench-recall --model FILE
bench-recall *args:
    uv run python -m tests.bench.retrieval {{ args }}

# Kill, tear and starve the built-in store of memories and the processes of models, all of it (the tests do a part)
faults:
    POLY_FAULTS=full uv run pytest tests/memory/file tests/engine/test_process_upkeep.py --timeout 900
    POLY_FAULTS=full uv run pytest tests/engine/test_damaged_files.py

# Everything that must be green before a push
push: check test
