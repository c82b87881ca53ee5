"""Doors to the letters with the next step: the link in each of them, and the switch in a person's settings."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import stopping
from accounts.models import User


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signature is what they prove
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def letters(request: HttpRequest, token: str) -> HttpResponse:
    """POST stops the letters. GET changes nothing, because programs that check mail open its links."""
    person = stopping.holder(token)
    if person and request.method == "POST":
        stopping.stop(person)
        if "List-Unsubscribe" not in request.POST:  # mail programs follow nothing
            return redirect("accounts:letters", token)
    context = {"person": person, "token": token, "has_come_back": "again" in request.GET}
    return render(request, "accounts/letters.html", context, status=200 if person else 404)


@csrf_exempt  # as above
@require_POST
def letters_again(request: HttpRequest, token: str) -> HttpResponse:
    person = stopping.holder(token)
    if person is None:
        return letters(request, token)
    stopping.begin_again(person)
    return redirect(reverse("accounts:letters", args=[token]) + "?again=1")


@require_POST
@login_required
def own_letters(request: HttpRequest) -> HttpResponse:
    person = User.objects.get(pk=cast(User, request.user).pk)
    if request.POST.get("wants") == "yes":
        stopping.begin_again(person)
        messages.success(request, "You get letters with the next step again.")
    else:
        stopping.stop(person)
        messages.success(request, "You get no more letters with the next step.")
    return redirect("accounts:profile")
