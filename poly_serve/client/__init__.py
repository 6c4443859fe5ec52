"""The client: an engine that is at the other end of a wire."""

from poly_serve.client.engine import RemoteEngine

__all__ = ["RemoteEngine"]
