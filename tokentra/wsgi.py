"""The web's door."""

import gc
import os
import sys
from importlib import import_module

from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

from tokentra.lib.answered_again import AnsweredAgain
from tokentra.lib.slow_bodies import InTime

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")

application = InTime(AnsweredAgain(get_wsgi_application()))
import_module("tokentra.urls")  # with all views, once for all web processes instead of in the first request of each
for signal, receiver in (  # the end of each request sees to old connections; nothing here logs queries or closes caches
    (request_started, close_old_connections),
    (request_started, reset_queries),
    (request_finished, close_caches),
):
    signal.disconnect(receiver)
import_module("usage.measuring.catching_up").share()
gc.freeze()  # it stays: walking all of it, a full collection held up some request for a tenth of a second
gc.set_threshold(50_000, 20, 50)  # a request of a thousand events makes some ten thousand objects, and no cycle of them
sys.setswitchinterval(0.001)  # whoever computes for ten milliseconds does not hold up, at each step, who only asks
