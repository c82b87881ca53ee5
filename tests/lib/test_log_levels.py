import pytest
from django.http import HttpResponse
from django.utils.log import log_response


@pytest.mark.parametrize(("status", "level"), [(503, "WARNING"), (500, "ERROR")])
def test_an_answer_that_says_to_come_again_is_a_warning_once(caplog, status, level):
    response = HttpResponse(status=status)

    for _ in range(2):
        log_response("%s: %s", "Answer", "/api/usage/check", response=response)

    assert [(record.levelname, record.message) for record in caplog.records] == [(level, "Answer: /api/usage/check")]
