"""The dashboard in each of its states."""

from datetime import UTC, datetime

import pytest
import time_machine

from accounts.models import Organization, User
from tests.conftest import Browser
from usage import demo

NOW = datetime(2026, 11, 20, 14, 10, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def at_two() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def test_smoke(acme: Organization, alice: User, at_two: None, django_assert_max_num_queries):
    import time
    b = Browser(alice)
    r = b.get("/dashboard/")
    print(r.status_code)
    assert r.status_code == 200, r.content
    t=time.time(); demo.fill(acme.pk, NOW); print("fill", time.time()-t)
    b.get("/dashboard/")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    for url in ("/dashboard/", "/dashboard/?period=90d", "/dashboard/?period=today","/dashboard/?period=24h", "/dashboard/?from=2025-01-01&to=2026-11-20","/dashboard/?period=month&provider=openai&project=x&stack=provider","/dashboard/?from=2026-11-10&to=2026-11-09", "/usage/", "/usage/?group=hour&group=model", "/usage/?group=week&group=model&sort=-cost", "/usage/?group=none&group=model", "/optimization/", "/dashboard/insight/", "/api/usage/stats?groupBy=day,model&limit=3", "/api/stats", "/api/usage/export?format=csv", "/api/usage/export?format=json&groupBy=model", "/api/usage/export?format=focus"):
        with CaptureQueriesContext(connection, ) as c:
            t=time.time(); r = b.get(url); body = b"".join(r.streaming_content) if r.streaming else r.content; t=time.time()-t
        print(url, r.status_code, len(c), round(t*1000), "db", round(sum(float(q["time"]) for q in c.captured_queries)*1000), len(body))
        open("/tmp/usage_pages/"+url.strip("/").replace("/","_").replace("?","_")[:60]+".html","wb").write(body)
        if url=="/dashboard/":
            for q in c.captured_queries: print("   ", q["time"], q["sql"][:110])
