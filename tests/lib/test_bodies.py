"""A small body that unpacks to a large one is refused before it takes much memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST = 64 * 1024  # KiB
# In a process of its own, whose peak is its own: a packed GiB of zeros, read with the larger of our limits.
ATTACK = """
import io, json, resource, sys, zlib
from backports import zstd
from django.conf import settings
settings.configure()
from django.core.handlers.wsgi import WSGIRequest
from tokentra.lib import bodies
from tokentra.lib.problems import Problem

name, zeros = sys.argv[1], bytes(2**20)
packer = zlib.compressobj(9, wbits=31) if name == "gzip" else zstd.ZstdCompressor(level=1)
content = b"".join([packer.compress(zeros) for _ in range(1024)] + [packer.flush()])
environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(content)), "wsgi.input": io.BytesIO(content),
           "HTTP_CONTENT_ENCODING": name}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    bodies.read(WSGIRequest(environ), most=20 * 2**20)
except Problem as problem:
    status = problem.status
print(json.dumps([status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, len(content)]))
"""


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_b25_a_bomb_takes_less_than_64_mib(packing):
    done = subprocess.run([sys.executable, "-c", ATTACK, packing], cwd=ROOT, capture_output=True, text=True, check=True)

    status, extra, size = json.loads(done.stdout)
    assert status == 413
    assert size < 2 * 2**20
    assert extra < MOST
