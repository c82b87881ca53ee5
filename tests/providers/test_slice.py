import pytest
from tests.providers.conftest import fresh, read
from tokentra.lib.tenancy import organization_scope
pytestmark = [pytest.mark.django_db, pytest.mark.worker]

@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_slice(provider, acme, connect, fake, now):
    c = connect(acme, provider)
    steps = read(c)
    print([ (s.windows, s.rows, s.outcome, s.problem) for s in steps])
    c = fresh(c)
    print(c.status, c.account_id, c.account_name, c.blocked, c.next_sync_at, c.capabilities)
    from usage.models import UsageRecord, Label
    from providers.models import EndpointState, ReadWindow
    with organization_scope(acme.pk):
        print(UsageRecord.objects.count(), Label.objects.count())
        for s in EndpointState.objects.all(): print(s.endpoint, s.outcome, s.detail)
        for w in ReadWindow.objects.exclude(problem=""): print(w, w.problem)
        print(list(ReadWindow.objects.filter(read_at=None).values_list("endpoint","start","due_at")))
        assert 0
