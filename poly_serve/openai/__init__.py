"""The API of OpenAI, as its clients use it, over tasks and models: a task is a model there."""
