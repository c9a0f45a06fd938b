"""A date in a header is the same moment, however it is written and wherever it is read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from returns.result import Success

from tinkex_py.endpoints.checkpoints import get_checkpoint_archive_url
from tinkex_py.interpret import interpret, retry_after
from tinkex_py.request import Reply
from tinkex_py.types.runs import CheckpointArchiveUrlResponse
from tinkex_py.wire.dates import http_date

MOMENT = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
WRITTEN = {
    "as usual": "Wed, 21 Oct 2015 07:28:00 GMT",
    "without a zone": "Wed, 21 Oct 2015 07:28:00",
    "of an unknown zone": "Wed, 21 Oct 2015 07:28:00 -0000",
    "elsewhere": "Wed, 21 Oct 2015 09:28:00 +0200",
}


@pytest.fixture
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is five hours behind."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "AWAY+5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_greenwich")
@pytest.mark.parametrize("date", WRITTEN.values(), ids=WRITTEN)
def test_every_reader_of_a_date_reads_the_same_moment(date: str) -> None:
    wish = Reply(status=503, headers=(("retry-after", date),), at=MOMENT.timestamp() - 60)
    moved = Reply(status=302, headers=(("location", "https://a.test"), ("expires", date)), at=0.0)
    archive = interpret(get_checkpoint_archive_url("r", "weights/a"), moved)
    assert (http_date(date), retry_after(wish)) == (MOMENT, 60.0)
    assert archive == Success(CheckpointArchiveUrlResponse(url="https://a.test", expires=MOMENT))


@pytest.mark.parametrize(
    "text", [None, "", "soon", "0", "Fri, 31 Dec 9999 23:59:59 -0100", "Wed, 99 Oct 2015 07:28:00"]
)
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert http_date(text) is None
