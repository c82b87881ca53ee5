"""What an identity provider says about itself: believed only of the issuer that was entered."""

from collections.abc import Mapping

from tokentra.lib import asking

WELL_KNOWN = "/.well-known/"


class Session(asking.Session):
    """Otherwise one provider could name another one's issuer and keys, and pass for it."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> asking.Said:
        said = super().get(url, headers=headers)
        if WELL_KNOWN in url:
            told = said.json()
            issuer = str(told.get("issuer", "")) if isinstance(told, dict) else ""
            if issuer.rstrip("/") != url.partition(WELL_KNOWN)[0]:
                raise self.failure("it calls itself by another issuer than was entered")
        return said
