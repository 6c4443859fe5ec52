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
    EngineUnreachable,
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
    PullFailed,
    SessionBusy,
    SessionNotFound,
    TaskNotFound,
    UnreadableDocument,
)
from poly_engine.interface import Engine, Session
from poly_engine.types import (
    Alternative,
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
    Logprobs,
    MemoryInfo,
    ModelInfo,
    Overrides,
    Progress,
    PromptPart,
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
    from poly_engine.batch.process.host import ProcessHost
    from poly_engine.local import LocalEngine

__version__ = "0.1.0"

__all__ = [
    "Alternative",
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
    "EngineUnreachable",
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
    "Logprobs",
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
    "ProcessHost",
    "Progress",
    "PromptPart",
    "PullFailed",
    "RecallOptions",
    "Recalled",
    "Session",
    "SessionBusy",
    "SessionNotFound",
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
    if name == "ProcessHost":  # for LocalEngine, and as heavy
        from poly_engine.batch.process.host import ProcessHost

        return ProcessHost
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
