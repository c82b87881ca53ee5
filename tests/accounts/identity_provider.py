"""An identity provider on loopback that speaks OpenID Connect: discovery, PKCE, a signed token, what it says of somebody.

It also answers as GitHub and Microsoft Graph do. What it says is in `person`; `lie` changes single claims.
"""

import base64
import json
import secrets
import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "tokentra-client", "a secret of the identity provider's"


class IdentityProvider:
    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.person: dict[str, Any] = {}
        self.lie: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "IdentityProvider":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def agree(self, sent_to: str) -> str:
        """Somebody logs in there and agrees: the address that their browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(sent_to).query).items()}
        assert asked["response_type"] == "code"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": ["code"],
        }

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = (
            base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        )
        is_right = (
            asked is not None
            and form.get("client_secret") == SECRET
            and form.get("client_id") == CLIENT
            and form.get("redirect_uri") == asked["redirect_uri"]
            and asked.get("code_challenge", verifier) == verifier
        )
        if not is_right:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, **self.person, **self.lie}
        answer = {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer", "expires_in": 300}
        return 200, answer | {"id_token": jwt.encode(claims, self.key, "RS256", headers={"kid": "1"})}


def handler_of(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            answers = {
                "/.well-known/openid-configuration": provider.discovery,
                "/userinfo": lambda: provider.person,
                "/v1.0/me": lambda: provider.person,
                "/api/v3/user": lambda: provider.person,
                "/api/v3/user/emails": lambda: provider.person["emails"],
            }
            self.say(200, answers[path]()) if path in answers else self.say(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.asked.append(urlsplit(self.path).path)
            self.say(*provider.token({name: values[0] for name, values in parse_qs(body).items()}))

        def say(self, status: int, what: Any) -> None:
            body = json.dumps(what).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return None

    return Handler
