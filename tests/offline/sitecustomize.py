"""Every command that a test runs starts with this: only this machine can be reached."""

import socket


def refuse(self, address, *rest):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"network is blocked in this test: {address}")
    return connect(self, address, *rest)


connect, socket.socket.connect = socket.socket.connect, refuse
