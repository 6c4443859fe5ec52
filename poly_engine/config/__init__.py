"""The configuration: models, tasks and memories, read from TOML into frozen values.

loaded = load(find(None, os.environ, Path.cwd()))
loaded.config.tasks["chat"].temperature
"""

from poly_engine.config.load import LoadedConfig, find, load, task_draft, user_file
from poly_engine.config.memories import FileStore, MemoryConfig, PgvectorStore, QdrantStore, Store
from poly_engine.config.models import ModelConfig
from poly_engine.config.root import Config, JwtKey, NamedKey
from poly_engine.config.tasks import Biaser, Memorization, TaskConfig

__all__ = [
    "Biaser",
    "Config",
    "FileStore",
    "JwtKey",
    "LoadedConfig",
    "Memorization",
    "MemoryConfig",
    "ModelConfig",
    "NamedKey",
    "PgvectorStore",
    "QdrantStore",
    "Store",
    "TaskConfig",
    "find",
    "load",
    "task_draft",
    "user_file",
]
