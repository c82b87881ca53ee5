"""The guide on one screen: its sections, their pages in order, and which page explains which view.

A page is `docs/guide/<slug>.md`. Its first heading is its title, its first paragraph says what it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    line: str
    icon: str
    pages: tuple[str, ...]


SECTIONS = (
    Section(
        "Start",
        "From an empty account to your first figures.",
        "rocket",
        ("what-tokentra-does", "first-steps", "sign-in", "first-questions", "sample-workspace"),
    ),
    Section(
        "Use",
        "Your figures, where they come from and how to take them along.",
        "chart-bar",
        (
            "connect-openai",
            "connect-anthropic",
            "connections",
            "keys-and-safety",
            "figures",
            "dashboard",
            "usage",
            "attribution",
            "measured",
            "optimization",
            "routing",
            "budgets",
            "alerts",
            "export",
            "api",
            "api-keys",
            "set-up-a-program",
            "send-events",
            "opentelemetry",
            "account",
            "terms",
        ),
    ),
    Section(
        "Administer",
        "For owners and admins of an organization, and for the people who run an installation.",
        "adjustments",
        ("team", "roles", "organization", "single-sign-on", "directory", "running", "operations"),
    ),
    Section("Troubleshoot", "Start from what you see.", "lifebuoy", ("troubleshooting",)),
    Section("FAQ", "Short answers.", "message-question", ("faq",)),
)

# Pages that are written for the repository first; each is a file of docs/.
ELSEWHERE = {"operations": "operations.md"}

# Which page explains a view; "app:" stands for all views of an app that have no line of their own.
# {provider} is that argument of the view's address.
EXPLAINS: Mapping[str, str] = {
    "usage:dashboard": "dashboard",
    "usage:attribution": "attribution",
    "usage:measured": "measured#by-any-dimension",
    "usage:measured_value": "measured#by-any-dimension",
    "usage:summed_tags": "measured#by-a-tag",
    "usage:customers": "measured#customers",
    "usage:customer": "measured#customers",
    "usage:agents": "measured#agents-and-runs",
    "usage:agent": "measured#agents-and-runs",
    "usage:runs": "measured#agents-and-runs",
    "usage:run": "measured#agents-and-runs",
    "usage:call": "measured#one-call",
    "usage:summary": "dashboard#the-summary",
    "usage:clients": "organization#clients-side-by-side",
    "usage:explorer": "usage",
    "usage:explorer_of_measured": "measured#in-the-usage-table",
    "usage:optimization": "optimization",
    "usage:own_prices": "figures#your-own-prices",
    "usage:new_own_price": "figures#your-own-prices",
    "usage:routing": "routing",
    "usage:add_routing_rule": "routing",
    "usage:discards": "send-events#what-is-not-kept",
    "budgets:": "budgets",
    "budgets:new": "budgets#create-one",
    "budgets:change": "budgets#create-one",
    "budgets:departments": "budgets#create-one",
    "budgets:ask": "budgets#ask-for-more",
    "alerts:": "alerts",
    "alerts:rules": "alerts#rules",
    "alerts:new_rule": "alerts#rules",
    "alerts:rule": "alerts#rules",
    "alerts:channels": "alerts#channels",
    "alerts:new_channel": "alerts#channels",
    "alerts:channel": "alerts#channels",
    "alerts:wishes": "alerts#your-letters",
    "guidance:": "first-steps",
    "providers:": "connections",
    "providers:connect": "connect-{provider}",
    "providers:ask": "connections#ask-for-a-key",
    "providers:key_request": "keys-and-safety",
    "providers:key": "connections#replace-a-key",
    "providers:disconnect": "connections#disconnect",
    "sdk_keys:": "api-keys",
    "sdk_keys:replace": "api-keys#replace-a-key",
    "sdk_keys:troubleshooting": "set-up-a-program#when-nothing-is-shown",
    "onboarding:": "first-questions",
    "onboarding:sdk": "set-up-a-program",
    "accounts:": "sign-in",
    "accounts:settings": "organization",
    "accounts:settings_organization": "organization",
    "accounts:plan": "organization#the-plan",
    "accounts:audit": "organization#the-audit-log",
    "accounts:delete_organization": "organization#export-or-delete-it",
    "accounts:delete_account": "account#your-data-and-the-end-of-your-account",
    "accounts:team": "team",
    "accounts:team_invite": "team#invite-people",
    "accounts:team_send_again": "team#invitations-that-wait",
    "accounts:team_member": "team#change-a-role",
    "accounts:team_reset_link": "team#a-forgotten-password-without-mail",
    "accounts:invitation": "team#if-you-are-invited",
    "accounts:held_invitation": "team#if-you-are-invited",
    "accounts:organizations": "organization#several-organizations",
    "accounts:new_organization": "organization#several-organizations",
    "accounts:no_organization": "organization#several-organizations",
    "accounts:profile": "account",
    "accounts:email": "account#your-email-address",
    "accounts:security": "account#security",
    "accounts:password_set": "account#security",
    "accounts:sign_on": "single-sign-on",
    "accounts:directory_token": "directory#connect-it",
    "accounts:directory_default": "directory#what-it-does-here",
    "accounts:directory_roles": "directory#roles-of-groups",
    "accounts:sign_on_door": "single-sign-on#log-in-by-it",
    "accounts:sign_on_needed": "single-sign-on#where-a-session-may-go",
    "accounts:second_step": "account#a-second-step",
    "accounts:app_on": "account#a-second-step",
    "accounts:app_off": "account#a-second-step",
    "accounts:recovery_codes": "account#a-second-step",
    "accounts:new_recovery_codes": "account#a-second-step",
    "accounts:passkey_on": "account#a-second-step",
    "accounts:passkey_off": "account#a-second-step",
    "accounts:passkey_name": "account#a-second-step",
    "accounts:confirm_by_code": "account#security",
    "accounts:confirm_by_passkey": "account#security",
    "accounts:reauthenticate": "account#security",
    "socialaccount_connections": "account#other-services",
    "account_logout": "sign-in",
}


def explanation_of(view: str, arguments: Mapping[str, object]) -> str:
    """The slug, with its anchor if it has one, of the page that explains a view; "" when there is none."""
    app, colon, _ = view.partition(":")
    slug = EXPLAINS.get(view) or EXPLAINS.get(app + colon, "")
    return slug.format(**arguments)
