"""Programs that end, fork and freeze: what they recorded arrives, or is counted."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from email.utils import formatdate
from pathlib import Path

import pytest

SOURCES = str(Path(__file__).resolve().parent.parent / "src")
BEGIN = """
import os, sys, time, threading, json
import tokentra_sdk
from tokentra_sdk import TokenTra
def call(sdk, model="m"):
    return sdk.record(provider="openai", model=model, tokens={"input": 1, "output": 1})
"""


@pytest.fixture
def program(tokentra, tmp_path):
    """Run a program of its own to its end; answers what it printed."""

    def program(code, *, ends=0, signalled=None, **environment):
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOKENTRA_")},
            "PYTHONPATH": SOURCES,
            "TOKENTRA_URL": tokentra.url,
            "TOKENTRA_API_KEY": "tt_test_generated",
            "TOKENTRA_SPOOL_DIR": str(tmp_path),
            **environment,
        }
        command = [sys.executable, "-W", "ignore", "-c", BEGIN + textwrap.dedent(code)]
        running = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if signalled:
            assert running.stdout.readline().strip() == "ready"
            running.send_signal(signalled)
        out, err = running.communicate(timeout=60)
        assert running.returncode == ends, err
        program.said = err
        return out

    return program


def test_a_program_that_ends_at_once_has_sent_everything(program, tokentra):
    program("sdk = TokenTra()\nfor _ in range(50): call(sdk)")

    assert len(tokentra.events) == 50


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "raise KeyError('x')", "sys.exit(4)"])
def test_however_it_ends(program, tokentra, end):
    ends = {"raise SystemExit(3)": 3, "raise KeyError('x')": 1, "sys.exit(4)": 4}[end]
    program(f"sdk = TokenTra()\ncall(sdk)\n{end}", ends=ends)

    assert len(tokentra.events) == 1


def test_interrupted_from_the_keyboard(program, tokentra):
    """What runs in the background of a shell is not interrupted, unless it says so itself."""
    program(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sdk = TokenTra(every=60)\ncall(sdk)\nprint('ready', flush=True)\ntime.sleep(30)",
        signalled=signal.SIGINT,
        ends=-signal.SIGINT,
    )

    assert len(tokentra.events) == 1


def test_a_server_that_is_away_at_the_end_keeps_the_program_only_as_long_as_it_may(program, tokentra):
    tokentra.open.clear()
    out = program("""
        import atexit
        began = time.monotonic()
        atexit._run_exitfuncs, run = lambda: None, atexit._run_exitfuncs
        sdk = TokenTra(at_exit=0.3)
        call(sdk)
        run()
        print(json.dumps({"took": time.monotonic() - began, **sdk.stats()}))
    """)
    told = json.loads(out)
    tokentra.open.set()

    assert told["took"] < 10
    assert (told["on_disk"], told["lost"]) == (1, {})


def test_what_finds_no_place_at_the_end_is_said(program, tokentra):
    tokentra.fail(503, 1000)
    program("sdk = TokenTra(spool_directory=False, at_exit=0.3)\ncall(sdk)")

    assert "1 event(s) of this program were lost: {'not_sent': 1}" in program.said


def test_a_fork_sends_what_each_process_recorded_once(program, tokentra):
    program("""
        sdk = TokenTra(every=60)
        call(sdk, "parent")
        child = os.fork()
        if not child:
            assert sdk.stats()["recorded"] == 0
            call(sdk, "child")
            sys.exit(0)
        os.waitpid(child, 0)
    """)

    assert sorted(event["model"] for event in tokentra.events.values()) == ["child", "parent"]
    assert tokentra.duplicates == 0


def test_a_fork_while_other_threads_report_does_not_hang(program, tokentra):
    out = program("""
        sdk = TokenTra(every=0.001)
        is_over = False
        def work():
            while not is_over:
                call(sdk)
                time.sleep(0.001)
        threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
        for each in threads: each.start()
        for _ in range(20):
            child = os.fork()
            if not child:
                call(sdk, "child")
                os._exit(0 if sdk.flush(10) else 1)
            assert os.waitpid(child, 0)[1] == 0
        is_over = True
        for each in threads: each.join()
        assert sdk.flush(10), sdk.stats()
        print(sdk.stats()["recorded"])
    """)

    models = [event["model"] for event in tokentra.events.values()]
    assert models.count("child") == 20
    assert models.count("m") == int(out)


@pytest.mark.parametrize("answered", ["taken", "told to wait", "not TokenTra", "away", "no TLS"])
def test_sending_imports_nothing(program, tokentra, answered):
    """A process that is forked while a thread of its parent imports something waits for that import for ever."""
    if answered == "told to wait":
        tokentra.fail(429, headers={"Retry-After": formatdate(time.time() + 3600, usegmt=True)})
    elif answered == "not TokenTra":
        tokentra.fail(200, body=b"<html>")
    urls = {"away": "http://localhost:1", "no TLS": tokentra.url.replace("http:", "https:")}

    out = program(f"""
        sdk = TokenTra(url={urls.get(answered, tokentra.url)!r}, at_exit=0.1)
        before = set(sys.modules)
        call(sdk)
        is_sent = sdk.flush(10)
        print(json.dumps([is_sent, sorted(set(sys.modules) - before)]))
    """)

    assert json.loads(out) == [answered == "taken", []]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_send_what_they_recorded(program, tokentra, tmp_path, method):
    script = tmp_path / "work.py"
    script.write_text(
        BEGIN
        + textwrap.dedent(f"""
        import multiprocessing
        sdk = TokenTra(every=60)
        def work(n): call(sdk, f"child{{n}}")
        if __name__ == "__main__":
            processes = [multiprocessing.get_context("{method}").Process(target=work, args=(n,)) for n in range(3)]
            for each in processes: each.start()
            for each in processes: each.join()
            call(sdk, "parent")
        """)
    )
    program(f"import runpy\nsys.argv = [{str(script)!r}]\nexec(open({str(script)!r}).read())" if method == "fork" else
            f"import subprocess\nsubprocess.run([sys.executable, {str(script)!r}], check=True)")  # fmt: skip

    assert sorted(event["model"] for event in tokentra.events.values()) == ["child0", "child1", "child2", "parent"]


def test_a_program_that_was_frozen_goes_on(program, tokentra):
    """As a serverless platform does between two requests."""
    program("""
        import signal
        sdk = TokenTra(every=0.05)
        call(sdk)
        me = os.getpid()
        if not os.fork():
            try:
                while os.getppid() == me:  # it may not have been frozen yet
                    time.sleep(0.6)
                    os.kill(me, signal.SIGCONT)
            finally:
                os._exit(0)
        os.kill(me, signal.SIGSTOP)
        call(sdk)
        assert sdk.flush(5)
    """)

    assert len(tokentra.events) == 2


def test_events_of_a_thread_that_outlives_the_main_one_arrive(program, tokentra):
    program("""
        sdk = TokenTra(every=0.01)
        def work():
            time.sleep(0.2)
            call(sdk)
        threading.Thread(target=work).start()
    """)

    if sys.version_info[:3] in ((3, 12, 0), (3, 12, 1)):  # they begin no thread by then, so the event waits on disk
        program("TokenTra().flush()")
    assert len(tokentra.events) == 1
