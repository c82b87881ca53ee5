import json, pytest, uuid
from datetime import timedelta
from decimal import Decimal
from django.test import Client
from tests import make
from tests.conftest import Browser
from tests.usage.accounts_of import *
from tokentra.lib.tenancy import organization_scope
from tests.fake_provider.example import example_world
from tests.providers.conftest import fake, now, short

pytestmark = pytest.mark.django_db

def show(*a): print("PROBE", *a)

def test_headers(acme, alice):
    c = make.connection(acme)
    b = Browser(alice)
    for p in ("/dashboard/", "/usage/", "/providers/", f"/providers/{c.pk}/", "/settings/profile/", "/settings/security/", "/api/usage/stats", "/api/auth/me", "/organizations/", "/login/", "/providers/connect/openai/", "/api/docs", "/api/openapi.json","/providers/corner/"):
        r = b.get(p)
        show(p, r.status_code, r.get("Cache-Control"), r.get("Vary"), r.get("Content-Security-Policy","")[:60], r.get("X-Frame-Options"), r.get("Cross-Origin-Opener-Policy"))

def test_big(acme, alice):
    b = Browser(alice, raise_request_exception=False)
    big = "x" * (3 * 1024 * 1024)
    for p in ("/api/auth/login", "/api/auth/signup", "/api/providers/connect"):
        r = b.post(p, json.dumps({"email": big, "password": "x", "provider": "openai", "credentials": {"admin_key": big}}), content_type="application/json")
        show(p, r.status_code, r.content[:150])
        r = b.post(p, "[" * 200000, content_type="application/json")
        show(p, "deep", r.status_code, r.content[:150])
        r = b.post(p, b"\xff\xfe", content_type="application/json")
        show(p, "bytes", r.status_code, r.content[:100])
    r = b.post("/login/", {"login": big, "password": "x"}); show("/login/", r.status_code)
    r = b.post("/login/", "login=" + big, content_type="application/x-www-form-urlencoded"); show("/login/ urlenc", r.status_code)
    for host in ("evil.example", "localhost:99999999", "a b", "localhost@evil"):
        r = b.get("/login/", headers={"Host": host}); show("host", host, r.status_code)
        r = b.get("/api/auth/me", headers={"Host": host}); show("host api", host, r.status_code)

def test_nul(acme, alice, fake):
    b = Browser(alice, raise_request_exception=False)
    key = fake.world.account("openai").key
    for name in ("a\0b", "\ud800", "x" * 200, "a\nb", "\u202eabc"):
        raw = json.dumps({"provider": "openai", "name": name, "credentials": {"admin_key": key}})
        r = b.post("/api/providers/connect", raw, content_type="application/json")
        show(repr(name)[:20], r.status_code, r.content[:250])
    for field in ("email", "fullName", "organizationName", "password", "referralSource"):
        for bad in ("a\0b@acme.example", "\ud800@acme.example", "x" * 10000):
            body = {"email": f"{uuid.uuid4().hex}@acme.example", "password": "correct horse battery", "fullName": "Ann", "organizationName": "Acme"} | {field: bad}
            r = Client(raise_request_exception=False).post("/api/auth/signup", json.dumps(body), content_type="application/json")
            show(field, repr(bad)[:12], r.status_code, r.content[:160])
    for bad in ("a\0b@acme.example", "\ud800@acme.example"):
        r = Client(raise_request_exception=False).post("/api/auth/login", json.dumps({"email": bad, "password": "x"}), content_type="application/json")
        show("login", repr(bad), r.status_code)
        r = Client(raise_request_exception=False).post("/api/auth/verify-email", json.dumps({"verificationToken": bad, "code": "123456"}), content_type="application/json")
        show("verify", repr(bad), r.status_code)
        r = Client(raise_request_exception=False).get("/api/auth/me", headers={"Authorization": f"Bearer {bad.encode('utf8','replace').decode()}"})
        show("bearer", repr(bad), r.status_code)
    r = Client(raise_request_exception=False).get("/api/auth/me", headers={"Authorization": "Bearer \0abc"}); show("bearer nul", r.status_code)
    for path in ("/dashboard/?from=%00", "/usage/?q=%00", "/usage/?model=%00", "/usage/?group=%00", "/usage/?sort=%00&page=999999999999999999999", "/usage/?provider=%00&connection=zzz", "/signup/?utm_source=%00&next=%00", "/?utm_campaign=a%00b", "/login/?next=%00", "/settings/security/sessions/99999999999999999999999/end/", "/demo/%00/", "/providers/connect/%00/"):
        r = b.get(path); show(path, r.status_code)
        r = Client(raise_request_exception=False).get(path); show("anon", path, r.status_code)

def test_hours(acme):
    with organization_scope(acme.pk):
        a = Account(acme.pk)
        late = at(DAY, days=5)
        a.reads_usage(*[used(hour=h) for h in range(24)], now=late)
        a.reads_bill(billed("24.00"), now=late)
    alice = acme.memberships  # unused
    from accounts.models import User
    b = Browser(User.objects.get(email="alice@acme.example"))
    for f, t in (("00:00", "01:00"), ("12:00", "18:00")):
        r = b.get(f"/api/usage/stats?from={DAY}T{f}:00Z&to={DAY}T{t}:00Z").json()
        show(f, t, r["totals"]["cost"], r["totals"]["tokens"]["input"])
    r = b.get(f"/api/usage/stats?from={DAY}&to={DAY + timedelta(days=1)}&groupBy=hour").json()
    show([(i["hour"][11:13], i["cost"]) for i in r["items"]], r["totals"]["cost"])
