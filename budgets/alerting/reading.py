"""Until when each person has read, and how many open alerts came after that."""

from datetime import datetime

from accounts.models import Membership, Organization, User
from budgets.alerting import telling
from budgets.alerting.models import Alert, AlertWish


def unread(organization: Organization, user: User) -> int:
    """Open alerts that came since this person last looked at the list."""
    mine = AlertWish.objects.owned_by(organization).filter(user=user)
    since = mine.values_list("read_until", flat=True).first()
    return Alert.objects.owned_by(organization).unread_since(since).count()


def read(organization: Organization, user: User, *, now: datetime) -> None:
    """This person has the list before them."""
    mine = AlertWish.objects.owned_by(organization).filter(user=user)
    if mine.update(read_until=now):
        return
    membership = Membership.objects.select_related("organization", "user").get(organization=organization, user=user)
    usual = telling.usual(membership)
    usual.read_until = now
    AlertWish.objects.bulk_create([usual], ignore_conflicts=True)
