"""WebSockets on the side of the client."""

import ssl
from collections.abc import Mapping, Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from poly_serve.client.address import Address
from poly_serve.client.faults import no_poly, refusal

__all__ = ["dial"]

_CONNECT_S = 5.0
_PATIENCE_S = 2.0


async def dial(
    address: Address,
    path: Sequence[str],
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None,
    protocol: str | None,
    *,
    ping_s: float,
) -> ClientConnection:
    """Open a WebSocket. Raises OSError if there is no connection, and what the server tells, if it refuses.

    Every `ping_s` the server is asked whether it is there, and it has as long to say that. Whatever is received is kept
    until it is read: pings are answered meanwhile, and the server does not take us for dead.
    """
    try:
        socket = await connect(
            address.socket(*path),
            subprotocols=None if protocol is None else [Subprotocol(protocol)],
            additional_headers=headers,
            user_agent_header=None,
            compression=None,
            proxy=None if address.is_local else True,
            ssl=tls,
            open_timeout=_CONNECT_S,
            ping_interval=ping_s,
            ping_timeout=ping_s,
            close_timeout=_PATIENCE_S,
            max_size=None,
            max_queue=None,
        )
    except InvalidStatus as error:
        raise refusal(address.url, error.response.status_code, bytes(error.response.body)) from error
    except InvalidMessage as error:
        raise ConnectionResetError(str(error)) from error
    except WebSocketException as error:
        raise no_poly(address.url) from error
    if socket.subprotocol != protocol:
        await socket.close()
        raise no_poly(address.url)
    return socket
