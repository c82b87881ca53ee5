"""Minutes in which rows were: an index on them keeps one entry for all rows of a minute."""

from django.db import models


class Minute(models.Func):
    template = "date_bin('1 minute', %(expressions)s, TIMESTAMPTZ '2000-01-01 00:00+00')"
    output_field = models.DateTimeField()

    @classmethod
    def of(cls, sql: str) -> str:
        return cls.template % {"expressions": sql}
