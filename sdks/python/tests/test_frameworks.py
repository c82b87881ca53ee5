"""Requests of web frameworks that run at the same time, in threads and in tasks: no customer reaches another's."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, StringIO
from urllib.parse import parse_qs

import pytest

from tokentra_sdk import asgi, context, django, set_customer_id, wsgi
from tokentra_sdk.context import current

AT_ONCE = 16


def said():
    return current().fields.get("customerId", "nobody")


def asked(query):
    return parse_qs(query)["customer"][0]


@pytest.fixture(autouse=True)
def _nothing_set():
    with context.request_scope():
        yield


def environ(customer):
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": f"customer={customer}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": StringIO(),
    }


def get(app, customer):
    """A body as a WSGI server reads it, its pieces parted by spaces."""
    body = app(environ(customer), lambda *_: None)
    try:
        return b" ".join(body).decode()
    finally:
        if hasattr(body, "close"):
            body.close()


async def get_async(app, customer):
    pieces = []
    coming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return coming.pop() if coming else await asyncio.Future()

    async def send(message):
        if message["type"] == "http.response.body" and message.get("body"):
            pieces.append(message["body"].decode())

    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "method": "GET", "path": "/",
             "raw_path": b"/", "root_path": "", "scheme": "http", "headers": [], "http_version": "1.1",
             "query_string": f"customer={customer}".encode(), "server": ("localhost", 80), "client": ("localhost", 1)}  # fmt: skip
    await app(scope, receive, send)
    return " ".join(pieces)


def by_threads(app):
    """Many requests at once in few threads, each of which serves several."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: get(app, n), range(AT_ONCE)))
        assert set(pool.map(lambda _: said(), range(8))) == {"nobody"}
    return found


def by_tasks(app):
    async def all_of_them():
        found = await asyncio.gather(*(get_async(app, n) for n in range(AT_ONCE)))
        one_task = [await get_async(app, n) for n in range(2)]
        assert said() == "nobody"
        return found, one_task

    return asyncio.run(all_of_them())


# Flask, and whatever speaks WSGI


def flask_app():
    import flask

    app = flask.Flask("shop")
    gate = threading.Barrier(4)

    @app.get("/")
    def answer():
        before = said()
        set_customer_id(flask.request.args["customer"])
        gate.wait(10)

        def pieces():
            yield before
            yield said()
            set_customer_id(f"{said()}-later")
            yield said()

        return flask.Response(pieces())

    app.wsgi_app = wsgi.Middleware(app.wsgi_app)
    return app


def test_flask_in_threads():
    assert by_threads(flask_app()) == [f"nobody {n} {n}-later" for n in range(AT_ONCE)]


def test_without_it_a_thread_keeps_the_customer_of_its_last_request():
    """What the others are about."""

    def app(environ, start_response):
        before = said()
        set_customer_id(asked(environ["QUERY_STRING"]))
        return [before.encode()]

    assert [get(app, 1), get(app, 2)] == ["nobody", "1"]
    assert [get(wsgi.Middleware(app), 3), get(wsgi.Middleware(app), 4)] == ["nobody", "nobody"]


def test_bodies_that_are_whole_and_files_stay_as_they_are():
    class Wrapper:
        pass

    for body in ([b"whole"], (b"whole",), Wrapper()):
        app = wsgi.Middleware(lambda environ, start_response, body=body: body)
        assert app({**environ(1), "wsgi.file_wrapper": Wrapper}, None) is body


def test_a_body_that_nobody_reads_is_closed():
    closed = []

    class Body:
        def __iter__(self):
            raise AssertionError("read")

        def close(self):
            closed.append(said())

    def app(environ, start_response):
        set_customer_id(7)
        return Body()

    wsgi.Middleware(app)(environ(1), None).close()
    assert closed == ["7"]


# Starlette, FastAPI, and whatever speaks ASGI


def starlette_app():
    from starlette.applications import Starlette
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def answer(request):
        before = said()
        await asyncio.to_thread(set_customer_id, request.query_params["customer"])
        await asyncio.sleep(0.001)

        async def pieces():
            yield before
            await asyncio.sleep(0.001)
            yield f" {said()}"

        return StreamingResponse(pieces())

    def answer_in_thread(request):
        before = said()
        set_customer_id(request.query_params["customer"])
        return StreamingResponse(iter([before, f" {said()}"]))

    app = Starlette(routes=[Route("/", answer), Route("/thread", answer_in_thread)])
    app.add_middleware(asgi.Middleware)
    return app


def test_starlette_in_tasks():
    found, one_task = by_tasks(starlette_app())

    assert [each.split() for each in found] == [["nobody", str(n)] for n in range(AT_ONCE)]
    assert [each.split() for each in one_task] == [["nobody", "0"], ["nobody", "1"]]


def test_starlette_begins_and_ends():
    from starlette.testclient import TestClient

    with TestClient(starlette_app()) as client:
        for n in range(3):
            assert client.get(f"/thread?customer={n}").text == f"nobody {n}"


# Django


class Urls:
    """What stands for a module of addresses."""

    def __init__(self, *views):
        from django.urls import path

        self.urlpatterns = [path("", view) for view in views]


@pytest.fixture
def configured():
    from django.conf import settings

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="none")
    import django as library

    library.setup()
    from django.test import override_settings

    def configured(view):
        return override_settings(
            MIDDLEWARE=["tokentra_sdk.django.middleware"], ROOT_URLCONF=Urls(view), ALLOWED_HOSTS=["*"]
        )

    return configured


def test_django_in_threads(configured):
    from django.core.wsgi import get_wsgi_application
    from django.http import StreamingHttpResponse

    gate = threading.Barrier(4)

    def view(request):
        before = said()
        set_customer_id(request.GET["customer"])
        gate.wait(10)

        def pieces():
            yield before
            yield said()

        return StreamingHttpResponse(pieces())

    with configured(view):
        assert by_threads(get_wsgi_application()) == [f"nobody {n}" for n in range(AT_ONCE)]


def test_django_in_tasks(configured):
    from asgiref.sync import sync_to_async
    from django.core.asgi import get_asgi_application
    from django.http import StreamingHttpResponse

    async def view(request):
        before = said()
        await sync_to_async(set_customer_id)(request.GET["customer"])
        await asyncio.sleep(0.001)

        async def pieces():
            yield before
            await asyncio.sleep(0.001)
            yield said()

        return StreamingHttpResponse(pieces())

    with configured(view):
        found, one_task = by_tasks(get_asgi_application())

    assert found == [f"nobody {n}" for n in range(AT_ONCE)]
    assert one_task == ["nobody 0", "nobody 1"]


def test_whole_answers_and_files_of_django_stay_as_they_are(configured):
    from django.http import FileResponse, HttpResponse

    with configured(lambda request: None):
        for response in (HttpResponse("whole"), FileResponse(BytesIO(b"file"))):
            before = dict(vars(response))
            assert django.middleware(lambda request, response=response: response)(None) is response
            assert vars(response) == before
