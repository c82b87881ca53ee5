"""Who may do what: roles, permissions, and the one table that joins them."""

from enum import Enum, auto

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    FINANCE = "finance", "Finance"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"


MEANS: dict[Role, str] = {
    Role.OWNER: "Everything, with the plan, deletion and who owns it.",
    Role.ADMIN: "Connections and keys, people, settings and the audit log.",
    Role.FINANCE: "Budgets, alerts, prices and reports. No keys.",
    Role.MEMBER: "All costs and reports, and keys of their own.",
    Role.VIEWER: "All costs and reports, to read and export.",
}


class Permission(Enum):
    SEE_COSTS = auto()
    MANAGE_KEYS = auto()
    MANAGE_OWN_KEYS = auto()
    MANAGE_CONNECTIONS = auto()
    MANAGE_ROUTING = auto()
    MANAGE_BUDGETS = auto()
    ASK_BUDGET = auto()
    APPROVE_BUDGET = auto()
    MANAGE_PEOPLE = auto()
    MANAGE_SETTINGS = auto()
    READ_AUDIT = auto()
    OWN = auto()


class Scope(models.TextChoices):
    """What an API key may do; each is given by itself, none holds another."""

    INGEST = "ingest", "Send events"
    READ = "read", "Read usage, costs and connections"
    ADMIN = "admin", "Manage connections and budgets"


EVERYONE = frozenset(Role)
ADMINS = frozenset({Role.OWNER, Role.ADMIN})
MONEY = ADMINS | {Role.FINANCE}

ALLOWED: dict[Permission, frozenset[Role]] = {
    Permission.SEE_COSTS: EVERYONE,
    Permission.MANAGE_KEYS: ADMINS,
    Permission.MANAGE_OWN_KEYS: ADMINS | {Role.MEMBER},
    Permission.MANAGE_CONNECTIONS: ADMINS,
    Permission.MANAGE_ROUTING: ADMINS,
    Permission.MANAGE_BUDGETS: MONEY,
    Permission.ASK_BUDGET: MONEY | {Role.MEMBER},
    Permission.APPROVE_BUDGET: MONEY,
    Permission.MANAGE_PEOPLE: ADMINS,
    Permission.MANAGE_SETTINGS: ADMINS,
    Permission.READ_AUDIT: ADMINS,
    Permission.OWN: frozenset({Role.OWNER}),
}


def allows(role: Role, permission: Permission) -> bool:
    return role in ALLOWED[permission]
