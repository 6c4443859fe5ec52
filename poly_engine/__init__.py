"""The back-end of Poly: models, tasks and sessions behind one asynchronous interface.

    async with LocalEngine(config) as engine, engine.session("starter") as session:
        async with session.send("hello") as events:
            async for event in events: ...

Importing this package loads neither llama.cpp nor any configuration.
"""

from typing import TYPE_CHECKING

from poly_engine.errors import (
    ConfigError,
    ContextExceeded,
    EngineClosed,
    EngineFailed,
    IllegalToken,
    InvalidRequest,
    InvalidSchema,
    LimitTooLow,
    MemoryDamaged,
    MemoryFailed,
    MemoryMismatch,
    MemoryNotFound,
    MemoryUnavailable,
    MemoryUnwritable,
    ModelLoadFailed,
    ModelNotFound,
    NotFound,
    PolyError,
    SessionBusy,
    TaskNotFound,
    UnreadableDocument,
)
from poly_engine.interface import Engine, Session
from poly_engine.types import (
    Bias,
    Calling,
    ChunkInfo,
    DocumentInfo,
    Done,
    Embeddings,
    Event,
    Hit,
    Ingested,
    IngestJob,
    IngestProgress,
    MemoryInfo,
    ModelInfo,
    Overrides,
    Progress,
    Recalled,
    RecallOptions,
    TaskInfo,
    Thinking,
    Timings,
    Token,
    TokenPiece,
    Tool,
    ToolCall,
    ToolResult,
    Tools,
    Truncated,
    Turn,
    Usage,
)

if TYPE_CHECKING:
    from poly_engine.local import LocalEngine

__version__ = "0.1.0"

__all__ = [
    "Bias",
    "Calling",
    "ChunkInfo",
    "ConfigError",
    "ContextExceeded",
    "DocumentInfo",
    "Done",
    "Embeddings",
    "Engine",
    "EngineClosed",
    "EngineFailed",
    "Event",
    "Hit",
    "IllegalToken",
    "IngestJob",
    "IngestProgress",
    "Ingested",
    "InvalidRequest",
    "InvalidSchema",
    "LimitTooLow",
    "LocalEngine",
    "MemoryDamaged",
    "MemoryFailed",
    "MemoryInfo",
    "MemoryMismatch",
    "MemoryNotFound",
    "MemoryUnavailable",
    "MemoryUnwritable",
    "ModelInfo",
    "ModelLoadFailed",
    "ModelNotFound",
    "NotFound",
    "Overrides",
    "PolyError",
    "Progress",
    "RecallOptions",
    "Recalled",
    "Session",
    "SessionBusy",
    "TaskInfo",
    "TaskNotFound",
    "Thinking",
    "Timings",
    "Token",
    "TokenPiece",
    "Tool",
    "ToolCall",
    "ToolResult",
    "Tools",
    "Truncated",
    "Turn",
    "UnreadableDocument",
    "Usage",
]


def __getattr__(name: str) -> object:
    if name == "LocalEngine":  # brings pydantic and numpy, 250 ms that a client of a remote engine need not pay
        from poly_engine.local import LocalEngine

        return LocalEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
