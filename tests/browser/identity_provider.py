"""A small OpenID Connect provider: whoever is chosen on its page is signed in."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

_CLIENT = "pairx-tests"


class _Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("localhost", 0), _Handler)
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})
        self.address = f"http://localhost:{self.server_address[1]}"
        self.codes: dict[str, dict[str, str]] = {}  # code → nonce and person


class _Handler(BaseHTTPRequestHandler):
    server: _Provider

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path == "/.well-known/openid-configuration":
            self._json(self._metadata())
        elif place.path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False)]})
        elif place.path == "/authorize" and "as" in query:
            self._let_in(query)
        elif place.path == "/authorize":
            self._ask(query)
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        code = parse_qs(body)["code"][0]
        claims = self.server.codes.pop(code)
        now = int(time.time())
        token = jwt.encode(
            {"alg": "RS256", "kid": "one"},
            {
                "iss": self.server.address,
                "aud": _CLIENT,
                "sub": claims["person"],
                "email": claims["person"],
                "email_verified": claims["person"] != "mallory@example.org",
                "name": claims["person"].partition("@")[0],
                "nonce": claims["nonce"],
                "iat": now,
                "exp": now + 3600,
            },
            self.server.key,
        )
        self._json(
            {
                "access_token": secrets.token_hex(8),
                "token_type": "Bearer",
                "id_token": token,
                "expires_in": 3600,
            }
        )

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def _metadata(self) -> dict[str, object]:
        address = self.server.address
        return {
            "issuer": address,
            "authorization_endpoint": f"{address}/authorize",
            "token_endpoint": f"{address}/token",
            "jwks_uri": f"{address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _ask(self, query: dict[str, str]) -> None:
        """A page on which one types who one is."""
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{value}">' for name, value in query.items()
        )
        form = (
            f'<form action="/authorize">{fields}<input name="as" aria-label="Who"><button>Go</button></form>'
        )
        self._send(f"<!doctype html><title>Provider</title>{form}".encode(), "text/html")

    def _let_in(self, query: dict[str, str]) -> None:
        code = secrets.token_hex(8)
        self.server.codes[code] = {"nonce": query.get("nonce", ""), "person": query["as"]}
        self.send_response(302)
        back = urlencode({"code": code, "state": query["state"]})
        self.send_header("Location", f"{query['redirect_uri']}?{back}")
        self.end_headers()

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def providing() -> Iterator[str]:
    """The provider's address, while it is at work."""
    provider = _Provider()
    thread = threading.Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider.address
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()


def write_secrets(path: Path, provider: str, app_port: int) -> None:
    """What Streamlit needs to know of the provider."""
    path.write_text(
        "[auth]\n"
        f'redirect_uri = "http://localhost:{app_port}/oauth2callback"\n'
        f'cookie_secret = "{secrets.token_hex(16)}"\n'
        f'client_id = "{_CLIENT}"\n'
        'client_secret = "no secret"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n',
        encoding="utf-8",
    )
