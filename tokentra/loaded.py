"""The environment, read once; what is wrong with it is said in one sentence, and nothing starts."""

import sys

from pydantic import ValidationError

from tokentra.config import Config
from tokentra.machine import secrets_file

try:
    config = Config(**secrets_file.load_or_create())
except ValidationError as refused:
    sentences = "; ".join(
        ": ".join([*(str(part).upper() for part in error["loc"][:1]), error["msg"].removeprefix("Value error, ")])
        for error in refused.errors(include_input=False)
    )
    sys.exit(f"TokenTra does not start: {sentences}.")
