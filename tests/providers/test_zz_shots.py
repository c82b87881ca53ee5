import os, pytest, time
from playwright.sync_api import sync_playwright
from tests.embedded_plugin import chromium_path
from tests.conftest import Browser
from tests.providers.conftest import KEYS, read, fresh
from providers.models import Connection
from tokentra.lib.tenancy import organization_scope
pytestmark=[pytest.mark.django_db(transaction=True), pytest.mark.worker]
def test_shots(live_server, acme, alice, connect, fake, settings, now):
    b=Browser(alice); cookie=b.cookies["sessionid"].value
    with sync_playwright() as p:
        br=p.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox","--disable-gpu"])
        def shot(path,name,theme="light",w=1440,full=True):
            ctx=br.new_context(viewport={"width":w,"height":900}, color_scheme=theme)
            ctx.add_cookies([{"name":"sessionid","value":cookie,"url":live_server.url}])
            pg=ctx.new_page(); pg.goto(live_server.url+path); pg.wait_for_timeout(400)
            pg.screenshot(path=f"/tmp/pe/{name}.png", full_page=full); ctx.close()
        shot("/providers/","list_empty")
        shot("/providers/","list_empty_m",w=390)
        shot("/providers/connect/openai/","connect")
        shot("/providers/connect/anthropic/","connect_dark","dark")
        shot("/providers/connect/openai/","connect_m",w=390)
        c=connect(acme, by=alice)
        from providers import sync
        sync.READING_SECONDS=1.5
        sync.step(acme.pk, c.pk)
        shot(f"/providers/{c.pk}/","syncing")
        shot(f"/providers/{c.pk}/","syncing_m",w=390)
        sync.READING_SECONDS=10
        read(c)
        a=connect(acme,"anthropic",by=alice); read(a)
        shot(f"/providers/{c.pk}/","healthy")
        shot("/providers/","list_two")
        shot("/providers/","list_two_dark","dark")
        fake.script([{"match":{"provider":"openai","path":"costs"},"do":{"action":"status","status":500}}])
        from tests.providers.conftest import due_again
        due_again(c); read(c)
        shot(f"/providers/{c.pk}/","failing")
        shot("/providers/corner/","corner")
        shot(f"/providers/{c.pk}/disconnect/","disconnect")
        shot(f"/providers/{c.pk}/key/","key")
        br.close()
