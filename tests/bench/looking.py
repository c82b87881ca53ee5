"""One worker's look at the budgets of every organization that has a mark, due or not: prints how many it held."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")

import django


def main() -> None:
    django.setup()
    from django.db.models.functions import Now
    from django.utils import timezone

    from budgets import looking
    from budgets.kept import Look
    from budgets.models import Budget
    from tokentra.lib.tenancy import as_sweep, organization_scope

    with as_sweep():
        organizations = list(Look.objects.values_list("organization_id", flat=True))
    held = 0
    for pk in organizations:
        with organization_scope(pk):
            Look.objects.filter(organization_id=pk).update(due_at=Now())
            looking.look_at(pk, timezone.now())
            held += Budget.objects.filter(organization_id=pk).active().count()
            Look.objects.filter(organization_id=pk).update(due_at=None)  # the product's own workers stay away
    print(held)


if __name__ == "__main__":
    main()
