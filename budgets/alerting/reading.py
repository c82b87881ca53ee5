"""Until when each person has read, and how many open alerts came after that."""

from datetime import datetime

from accounts.models import Organization, User
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
    AlertWish.objects.bulk_create(
        [AlertWish(organization=organization, user=user, read_until=now)], ignore_conflicts=True
    )
