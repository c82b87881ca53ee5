"""The front door, the two health endpoints and the error pages."""

import logging
import sys
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import plan_door
from accounts.entitlement import NotInPlan
from accounts.models import Heartbeat
from tokentra.lib import outage
from tokentra.lib.problems import Problem
from tokentra.machine.heartbeats import SILENCE
from tokentra.navigation import groups_for
from usage.measuring.otlp import door as otlp

log = logging.getLogger(__name__)


@require_GET
def front_door(request: HttpRequest) -> HttpResponse:
    return redirect("onboarding:resume" if request.user.is_authenticated else "account_signup")


@require_GET
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """What pages need is there. Redis and workers may be away: pages work without, so that is said, not refused."""
    ready = database_answers()
    parts = {"database": ready, "redis": redis_answers(), "workers": ready and workers_are_heard()}
    return JsonResponse({"status": "ready" if ready else "waiting", "parts": parts}, status=200 if ready else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    except Exception as problem:  # whatever it is, the answer is "not ready"
        log.warning("the database does not answer: %s", type(problem).__name__)
        return False
    return True


def redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as server:
            server.ping()
    except redis.RedisError as problem:
        log.warning("redis does not answer: %s", type(problem).__name__)
        return False
    return True


def workers_are_heard() -> bool:
    """One is enough; the watchdog sees to the others."""
    return Heartbeat.objects.filter(at__gt=Now() - timedelta(seconds=SILENCE)).exists()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, NotInPlan):
        return plan_door.upgrade(request, exception)
    log.warning("refused %s %s to %s: %s", request.method, request.path, request.user.pk, exception)
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        problem = Problem(404, "not_found", "There is nothing at this address. /api/docs lists what there is.")
        return JsonResponse(problem.body(getattr(request, "id", "")), status=404)
    if request.path.startswith("/v1/"):
        return otlp.elsewhere(request)
    links = [link for _, links in groups_for(request) for link in links]
    context = {
        "frame": "base.html" if getattr(request, "membership", None) else "base_plain.html",
        "back": next((link for link in links if link.is_current), None),
    }
    return render(request, "404.html", context, status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    sentence = (
        "This form was open for too long, is from before you switched organizations, or came from another site. "
        "Nothing was changed. Go back, reload the page and send it again."
    )
    return render(request, "403.html", {"reason": sentence}, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """Our own failure, or the database's, which is not ours and passes."""
    # no context processors: they may be what broke
    context: dict[str, Any] = {"request_id": getattr(request, "id", "")}
    error = sys.exception()
    if not isinstance(error, outage.OUTAGES):
        return render(None, "500.html", context, status=500)
    is_look = request.method in {"GET", "HEAD"}
    problem = outage.told(error, is_look=is_look)
    answer: HttpResponse
    if request.path.startswith("/api/"):
        answer = JsonResponse(problem.body(context["request_id"]), status=problem.status)
    else:
        context |= {"problem": problem, "again": request.get_full_path() if is_look else ""}
        answer = render(None, "500.html", context, status=problem.status)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer
