"""All rows of an organization, or of one person, as they are kept, without what opens something."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.closing import owned
from accounts.models import Membership, Organization, User
from tokentra.lib.tenancy import organization_scope, user_scope

log = logging.getLogger(__name__)

OPENS = re.compile(r"(^|_)(digest|fingerprint|secret|password|pepper)$")
STOPPED = "The export stopped early and is not complete. Ask for it again."


def of_organization(organization: Organization) -> Iterator[str]:
    """A JSON object a line, each with its table; the last one says how many there were. Opens a scope of its own."""
    count = 0
    try:
        with organization_scope(organization.pk):
            mine = Organization.objects.filter(pk=organization.pk).values()
            yield written({"table": "organization", **mine[0]})
            for model in tables():
                rows = model._default_manager.filter(organization=organization).values(*columns(model))
                for row in rows.iterator(chunk_size=1000):
                    yield written({"table": model._meta.db_table, **row})
                    count += 1
            yield written({"rowCount": count + 1})
    except Exception:
        log.exception("the export of %s stopped after %s rows", organization.pk, count)
        yield written({"error": STOPPED, "rowCount": count})


def of_person(user: User, *, admits: Callable[[Membership], bool]) -> dict[str, Any]:
    """Who they are, where they are logged in, and each row that names them in organizations that they may enter.

    Opens scopes of its own.
    """
    with user_scope(user.pk):
        memberships = [each for each in Membership.objects.of(user) if admits(each)]
    services, sessions = (model.objects.filter(user=user) for model in (SocialAccount, UserSession))
    return {
        "person": {name: getattr(user, name) for name in ("id", "email", "full_name", "created_at", "last_login")},
        "addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "services": list(services.values("provider", "uid", "date_joined", "last_login")),
        "sessions": list(sessions.values("ip", "user_agent", "created_at", "last_seen_at")),
        "organizations": [there(user, membership) for membership in memberships],
    }


def there(user: User, membership: Membership) -> dict[str, Any]:
    organization = membership.organization
    with organization_scope(organization.pk):
        rows = {}
        for model in tables():
            naming = [field.name for field in model._meta.fields if field.related_model is User]
            mine = models.Q(*((name, user) for name in naming), _connector=models.Q.OR)
            found = model._default_manager.filter(mine, organization=organization) if naming else None
            if found and (told := list(found.values(*columns(model)))):
                rows[model._meta.db_table] = told
    return {"name": organization.name, "role": membership.role, "since": membership.created_at, "rows": rows}


def tables() -> list[type[models.Model]]:
    """Sealed keys may not be read, by us neither; the directory of digests opens doors."""
    return [
        model
        for model in owned()
        if not any(isinstance(field, models.BinaryField) or field.name == "digest" for field in model._meta.fields)
    ]


def columns(model: type[models.Model]) -> list[str]:
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not OPENS.search(field.name) and not isinstance(field, models.CompositePrimaryKey)
    ]


def written(row: dict[str, Any]) -> str:
    return json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n"
