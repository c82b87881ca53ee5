"""Where a page of ours was opened from, when it is one step on another page's way."""

from typing import Any

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

FIELD = "next"


def of(request: HttpRequest) -> dict[str, Any]:
    """`next`: the path to go on to, "" without one; `frame`: the bare page for somebody on their way in."""
    told = request.POST.get(FIELD) or request.GET.get(FIELD) or ""
    is_ours = told.startswith("/") and url_has_allowed_host_and_scheme(told, allowed_hosts=None)
    following = told if is_ours else ""
    return {FIELD: following, "frame": "base_plain.html" if following else "base.html"}
