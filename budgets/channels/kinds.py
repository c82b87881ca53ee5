"""The kinds of channels, on one screen: what each asks for and where its address may be. Pure."""

from dataclasses import dataclass

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


@dataclass(frozen=True, slots=True)
class Kind:
    """`asks` is the secret that somebody pastes: an address, or a key for `url`. An email asks for neither."""

    id: str
    label: str
    what: str
    icon: str
    asks: str = ""
    hint: str = ""
    suffixes: tuple[str, ...] = ()  # of hosts that the address may be on; none: any public one
    url: str = ""


KINDS = (
    Kind("email", "Email", "A shared mailbox, such as finance@your-company.com.", "mail"),
    Kind(
        "slack", "Slack", "A message in one channel.", "brand-slack", "Webhook address",
        "In Slack: create an app, switch on Incoming Webhooks, add one to a channel and copy its address.",
        suffixes=("hooks.slack.com", "hooks.slack-gov.com"),
    ),
    Kind(
        "teams", "Microsoft Teams", "A card in one channel or chat.", "brand-teams", "Workflow address",
        "In Teams: Workflows, “Post to a channel when a webhook request is received”, and copy its address.",
        suffixes=("logic.azure.com", "environment.api.powerplatform.com", "webhook.office.com"),
    ),
    Kind(
        "pagerduty", "PagerDuty", "An incident of one service, which follows the alert.", "phone-call",
        "Integration key", "In PagerDuty: a service, Integrations, Events API v2, and copy its integration key.",
        url=PAGERDUTY,
    ),
    Kind(
        "webhook", "Webhook", "Signed JSON to an address of your own.", "webhook", "Address",
        "It begins with https:// and is reachable from the internet.",
    ),
)  # fmt: skip
BY_ID = {kind.id: kind for kind in KINDS}
