"""A small server on loopback that speaks a hub's protocol, and can misbehave as networks do."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 4_000
"""Files of more are kept elsewhere, as a hub does with large ones: it answers with a redirect."""


@dataclass
class Hub:
    """What the server has, how it behaves, and what it was asked.

    Attributes:
        repos: name -> files.
        gated, private: names that ask for a login.
        stall_after: bytes of a large file after which nothing more is sent, until `resume`.
        drop_after: bytes of a large file after which the connection is closed, each time.
        damage: whether large files arrive with one byte changed.
        down: status that everything is answered with.
        ranges: whether a part of a file can be asked for.
        asked: method, path and the Range header of each request.
        logins: Authorization headers that arrived where large files are kept.
    """

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    stall_after: int | None = None
    drop_after: int | None = None
    damage: bool = False
    down: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    resume: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""
    storage: str = ""

    def add(self, name: str, folder: Path) -> None:
        """Publish a folder's files."""
        self.repos[name] = {file.name: file.read_bytes() for file in folder.iterdir()}

    def fetched(self) -> list[str]:
        """The files that were sent, large ones by their checksum's first letters."""
        return [path for method, path, _ in self.asked if method == "GET"]


def etag_of(content: bytes) -> str:
    """As the hub: SHA-256 of large files, git's name of small ones."""
    if len(content) > LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path, self.headers.get("Range", "")))
        if hub.down is not None:
            self._send(hub.down, b"")
        elif path.startswith("/storage/"):
            hub.logins += self.headers.get_all("Authorization", [])
            by_etag = {etag_of(c): c for files in hub.repos.values() for c in files.values()}
            self._send_file(by_etag[path.removeprefix("/storage/")])
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            if self._may(match[1], match[2]):
                self._send_info(match[1])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            if self._may(match[1], match[2]):
                self._send_resolved(match[1], match[3])
        else:
            self._send(404, b"")

    def _may(self, name: str, revision: str) -> bool:
        hub = self.hub
        if name in hub.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        elif name in hub.private or name not in hub.repos:
            self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("main", COMMIT):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return True
        return False

    def _send_info(self, name: str) -> None:
        files = [
            {
                "rfilename": file,
                "size": len(content),
                "blobId": etag_of(content)[:40],
            }
            for file, content in self.hub.repos[name].items()
        ]
        info = {"id": name, "modelId": name, "sha": COMMIT, "siblings": files, "private": False}
        self._send(200, json.dumps(info | {"tags": [], "downloads": 0}).encode())

    def _send_resolved(self, name: str, file: str) -> None:
        files = self.hub.repos[name]
        if file not in files:
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}
            self._send(404, b"", headers)
            return
        content = files[file]
        etag = etag_of(content)
        about = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}
        if len(content) > LARGE:
            about |= {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{etag}"'}
            about["Location"] = f"{self.hub.storage}/storage/{etag}"
            self._send(302, b"", about)
        else:
            self._send(200, content, about)

    def _send_file(self, content: bytes) -> None:
        hub = self.hub
        if hub.damage:
            content = content[:100] + bytes([content[100] ^ 1]) + content[101:]
        begin = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and hub.ranges:
            begin = int(asked[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        rest = content[begin:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        for limit in (hub.drop_after, hub.stall_after):
            if limit is not None and len(rest) > limit:
                self.wfile.write(rest[:limit])
                self.wfile.flush()
                if limit is hub.stall_after:
                    hub.resume.wait(60)
                self.close_connection = True
                return
        self.wfile.write(rest)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve on two addresses: the hub's, and the one where large files are kept."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    threads = []
    for server in servers:
        server.daemon_threads = True
        threads.append(
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        )
        threads[-1].start()
    hub.endpoint = f"http://127.0.0.1:{servers[0].server_port}"
    # Another name for the same machine: to a client it is another server.
    hub.storage = f"http://localhost:{servers[1].server_port}"
    try:
        yield hub
    finally:
        hub.resume.set()
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
