"""What a person who came too often is told: how many tries there are, and when the next one counts."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from accounts.naming import fold
from accounts.pacing import TooMany

APP = "allauth.account"


@dataclass(frozen=True, slots=True)
class Limit:
    """One rate as it stands for this caller now."""

    amount: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.amount),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


def account_key(email: str) -> str:
    """What tries at one account are counted under: nothing that the one who tries may choose, like a Host header."""
    return fold(email)


def standing(request: HttpRequest, action: str, key: str = "") -> Iterator[Limit]:
    for rate in ratelimit.get_rates(app=APP, action=action):
        if (rate.per == "key" and not key) or (rate.per == "user" and not request.user.is_authenticated):
            continue
        name = ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key)
        now = time.time()
        used = [moment for moment in cache.get(name, []) if moment > now - rate.duration]
        wait = used[-1] + rate.duration - now if used else 0
        yield Limit(rate.amount, max(rate.amount - len(used), 0), max(int(wait) + 1, 1) if used else 0)


def tightest(request: HttpRequest, *actions: str, key: str = "") -> Limit:
    """The limit that stands closest: an exhausted one that lasts longest, else the one with least left."""
    limits = [limit for action in actions for limit in standing(request, action, key)]
    fallback = Limit(1, 0, 60)
    return min(limits, key=lambda limit: (limit.remaining, -limit.reset), default=fallback)


def tell(response: HttpResponse, limit: Limit) -> HttpResponse:
    """Turn an answer into 429 with the headers that say when to come again."""
    response.status_code = 429
    for name, value in limit.headers.items():
        response[name] = value
    response["Retry-After"] = str(limit.reset or 60)
    return response


def tell_too_many(response: HttpResponse, many: TooMany) -> HttpResponse:
    """The same for a pace, which is counted in the database."""
    response.status_code = 429
    for name, value in headers_of(many).items():
        response[name] = value
    return response


def headers_of(many: TooMany) -> dict[str, str]:
    return Limit(many.pace.most, 0, many.seconds).headers | {"Retry-After": str(many.seconds)}


def exceeded(request: HttpRequest, action: str, *, key: str = "") -> Limit | None:
    """Count this request, a look too; the limit that it goes over, if it does."""
    if ratelimit.consume(request, app=APP, action=action, key=key or None, limit_get=True):
        return None
    return tightest(request, action, key=key)
