"""The web's door."""

import gc
import os
import sys
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from tokentra.lib.answered_again import AnsweredAgain
from tokentra.lib.slow_bodies import InTime

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")

application = InTime(AnsweredAgain(get_wsgi_application()))
import_module("tokentra.urls")  # with all views, once for all web processes instead of in the first request of each
gc.freeze()  # it stays: walking all of it, a full collection held up some request for a tenth of a second
gc.set_threshold(50_000, 20, 50)  # a request of a thousand events makes some ten thousand objects, and no cycle of them
sys.setswitchinterval(0.001)  # whoever computes for ten milliseconds does not hold up, at each step, who only asks
