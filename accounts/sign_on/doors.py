"""The door of single sign-on: an address or an organization leads to its identity provider, or says why it does not."""

from uuid import UUID

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as openid
from allauth.socialaccount.providers.saml import views as saml
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DataError, IntegrityError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from lxml.etree import LxmlError
from onelogin.saml2.errors import OneLogin_Saml2_Error

from accounts import limits
from accounts.models import User
from accounts.naming import fold
from accounts.organizations import memberships
from accounts.sign_on import domains, setting_up
from accounts.sign_on.forms import DoorForm

UNREACHABLE = "Your organization's identity provider does not answer as it should. Try again in a few minutes."
LARGEST_ANSWER = 256 * 1024  # bytes
UNREADABLE_SAML = (
    *(LxmlError, OneLogin_Saml2_Error, PermissionDenied, ImproperlyConfigured),
    *(ValueError, KeyError, AttributeError, DataError),
)
UNREADABLE_OPENID = (*(OAuth2Error, ImproperlyConfigured, KeyError, TypeError, AttributeError, ValueError, DataError),)
NO_SIGN_ON = "No organization here has a sign-on for this address. Log in another way."


@require_http_methods(["GET", "POST"])
def door(request: HttpRequest) -> HttpResponse:
    """Asks for an address: its domain tells whose provider it is."""
    form = DoorForm(request.POST or None)
    if request.method == "GET":
        return render(request, "accounts/sign_on/door.html", {"form": form})
    if limit := limits.exceeded(request, "sign_on"):
        return limits.tell(render(request, "429.html"), limit)
    if form.is_valid():
        if found := domains.organization_of(fold(form.cleaned_data["email"])):
            return sent_on(request, found, form)
        form.add_error("email", NO_SIGN_ON)
    return render(request, "accounts/sign_on/door.html", {"form": form}, status=422)


@require_POST
@login_required
def begin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """For a member whose session may not enter yet."""
    return sent_on(request, member_of(request, pk), DoorForm())


@require_GET
@login_required
def needed(request: HttpRequest, pk: UUID) -> HttpResponse:
    member_of(request, pk)
    name = next(m.organization.name for m in memberships(person(request)) if m.organization_id == pk)
    return render(request, "accounts/sign_on/needed.html", {"name": name, "pk": pk})


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  # behind login_required
    return request.user


def member_of(request: HttpRequest, pk: UUID) -> UUID:
    if pk not in {membership.organization_id for membership in memberships(person(request))}:
        raise Http404
    return pk


def sent_on(request: HttpRequest, organization_id: UUID, form: Form) -> HttpResponse:
    try:
        provider = get_adapter(request).get_provider(request, organization_id.hex)
        answer: HttpResponse = provider.redirect(request, process="login", next_url="/")
    except SocialApp.DoesNotExist:
        form.add_error(None, "The sign-on of your organization is switched off. Log in another way.")
    except (OAuth2Error, KeyError, TypeError, AttributeError):
        form.add_error(None, UNREACHABLE)
    else:
        return answer
    return render(request, "accounts/sign_on/door.html", {"form": form}, status=422)


@require_GET
def closed(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The library's own ways in and out: ours begin at the door, and nobody else ends a session."""
    raise Http404


@csrf_exempt
@require_POST
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Where an identity provider's answer comes in, from whoever sends one: it is kept until `saml_finish`."""
    if limit := limits.exceeded(request, "sign_on"):
        return limits.tell(render(request, "429.html"), limit)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_ANSWER:
        return HttpResponse("This answer is too large.", status=413, content_type="text/plain")
    app = setting_up.app_for(organization_slug)
    if app is None or app.provider != "saml":
        raise Http404
    answer: HttpResponse = saml.acs(request, organization_slug)
    return answer


@require_GET
def saml_finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    try:
        answer: HttpResponse = saml.finish_acs(request, organization_slug)
    except (*UNREADABLE_SAML, IntegrityError):
        return expired(request)  # no response at all, or one that this browser did not ask for
    return answer


@require_GET
def openid_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer: HttpResponse = openid.callback(request, provider_id)
    except IntegrityError:
        return expired(request)
    except UNREADABLE_OPENID:  # an answer of another shape than the protocol's
        context = {"refusal": "You could not be logged in", "sentence": UNREACHABLE}
        return render(request, "account/refused.html", context, status=502)
    return answer


def expired(request: HttpRequest) -> HttpResponse:
    """Also for whoever came twice at once, such as in two windows: the next time they are known."""
    context = {"refusal": "This sign-in link has expired", "sentence": "Begin again from the login page."}
    return render(request, "account/refused.html", context, status=400)
