"""Connections to an EHR: one time-out for a whole answer, and no peer inside a private network."""

import math
import socket
import ssl
import time
from concurrent.futures import Future
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Thread
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError

from fhir_alliance.errors import ForeignUrl

_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32_BITS = 0xFFFFFFFF


class _OneBudget:
    """A socket whose time-out counts from when it is set, so that bytes dripping in do not renew it."""

    _until = math.inf

    def settimeout(self, value: float | None) -> None:
        self._until = math.inf if value is None else time.monotonic() + value
        super().settimeout(value)  # type: ignore[misc]  # the socket class comes beside this one

    def recv_into(self, *args: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        super().settimeout(None if math.isinf(left) else left)  # type: ignore[misc]  # as above
        received: int = super().recv_into(*args)  # type: ignore[misc]  # as above
        return received


class _PlainSocket(_OneBudget, socket.socket):
    pass


class _TlsSocket(_OneBudget, ssl.SSLSocket):
    pass


class _InTime:
    """A connection whose time-out is for all of it: the look-up of the name, which knows none, and every address."""

    timeout: float | None

    def _new_conn(self) -> socket.socket:
        found: Future[socket.socket] = Future()
        Thread(target=self._find, args=(found,), name="connecting", daemon=True).start()
        try:
            return found.result(self.timeout)
        except TimeoutError:
            if found.cancel():
                raise ConnectTimeoutError(self, "not connected in time") from None
            return found.result()

    def _find(self, found: Future[socket.socket]) -> None:
        try:
            connected: socket.socket = super()._new_conn()  # type: ignore[misc]  # the connection class is beside this
        except Exception as error:
            if found.set_running_or_notify_cancel():
                found.set_exception(error)
            return
        if found.set_running_or_notify_cancel():
            found.set_result(connected)
        else:
            connected.close()


class _Http(_InTime, HTTPConnection):
    def _new_conn(self) -> socket.socket:
        found = super()._new_conn()
        timed = _PlainSocket(found.family, found.type, found.proto, fileno=found.detach())
        timed.settimeout(self.timeout)
        return timed


class _PublicOnly:
    """Ask who is really at the other end, whatever the name resolved to before (a name may rebind)."""

    def _new_conn(self) -> socket.socket:
        found: socket.socket = super()._new_conn()  # type: ignore[misc]  # the connection class comes beside this one
        if not is_public(str(found.getpeername()[0])):
            found.close()
            raise ForeignUrl("the address leads into a private network")
        return found


class _PublicHttp(_PublicOnly, _Http):
    pass


class _Https(_InTime, HTTPSConnection):
    pass


class _PublicHttps(_PublicOnly, _Https):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _PublicHttpPool(HTTPConnectionPool):
    ConnectionCls = _PublicHttp


class _PublicHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHttps


_POOLS = {
    True: {"http": _HttpPool, "https": _HttpsPool},
    False: {"http": _PublicHttpPool, "https": _PublicHttpsPool},
}


class EhrAdapter(HTTPAdapter):
    """A requests transport that never retries; without `allow_private` only public peers are spoken to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._pools = _POOLS[allow_private]
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, trusting the system's certificate authorities as well as those requests brings."""
        context = ssl.create_default_context()
        context.sslsocket_class = _TlsSocket
        super().init_poolmanager(*args, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


def is_public(address: str) -> bool:
    """Whether a peer's IP address is on the public internet; one that carries an IPv4 address counts as that one."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        nat64 = ip_address(int(found) & _LOW_32_BITS) if found in _NAT64 else None
        found = found.ipv4_mapped or found.sixtofour or nat64 or found
    return found.is_global and not found.is_multicast
