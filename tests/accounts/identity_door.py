"""The pages that an identity provider shows to people: on https, on another site than ours, with a button to agree and one to cancel.

What it says of them comes from the providers that the tests without a browser use.
"""

import base64
import html
import ssl
import tempfile
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from lxml import etree

from tests.accounts.identity_provider import IdentityProvider
from tests.accounts.sign_on import certificate

PAGE = "<!doctype html><html lang=en><title>Identity provider</title><h1>Identity provider</h1>{}"
FORM = "<form method={method} action='{action}'>{fields}<button>{word}</button></form>"


class IdentityDoor:
    """`openid` says who agreed; `saml` makes the signed response to a request of that id."""

    def __init__(self) -> None:
        self.openid: IdentityProvider | None = None
        self.saml: Callable[[str], str] = str
        self.acs = ""
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.socket = tls().wrap_socket(self.server.socket, server_side=True)
        self.host = f"localhost:{self.server.server_port}"
        self.url = f"https://{self.host}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "IdentityDoor":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def openid_page(self, asked: dict[str, str]) -> str:
        cancelled = {"error": "access_denied", "state": asked["state"]}
        return PAGE.format(form("Agree", "/agree", asked) + form("Cancel", asked["redirect_uri"], cancelled))

    def saml_page(self, asked: dict[str, str]) -> str:
        request = etree.fromstring(zlib.decompress(base64.b64decode(asked["SAMLRequest"]), -15))
        told = {"SAMLResponse": self.saml(request.get("ID")), "RelayState": asked.get("RelayState", "")}
        return PAGE.format(form("Agree", self.acs, told, method="post"))


def form(word: str, action: str, fields: dict[str, str], *, method: str = "get") -> str:
    hidden = "".join(
        f"<input type=hidden name='{name}' value='{html.escape(value)}'>" for name, value in fields.items()
    )
    return FORM.format(method=method, action=html.escape(action), fields=hidden, word=word)


def tls() -> ssl.SSLContext:
    key, chain = certificate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(private + chain.encode())
        file.flush()
        context.load_cert_chain(file.name)
    return context


def handler_of(door: IdentityDoor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there = urlsplit(self.path)
            door.asked.append(there.path)
            asked = {name: values[0] for name, values in parse_qs(there.query).items()}
            if there.path.endswith("/authorize"):
                self.show(door.openid_page(asked))
            elif there.path == "/agree" and door.openid:
                self.send_response(302)
                self.send_header("Location", door.openid.agree(f"/?{urlencode(asked)}"))
                self.end_headers()
            elif there.path == "/sso":
                self.show(door.saml_page(asked))
            else:
                self.send_error(404)

        def show(self, page: str) -> None:
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    return Handler
