"""A receiver, a person who wants to be told, and something to tell."""

import threading

import pytest

from tests.factories import make_cage, make_user
from tests.welfare.factories import make_concern
from tests.welfare.sending.ground import Receiver
from welfare.models import Kind, Wish


@pytest.fixture
def receiver(settings):
    settings.NOTICES_ALLOW_PRIVATE = True
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.hangs.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vera(db):
    person = make_user("vera", email="vera@example.org", is_staff=True)
    Wish.objects.create(person=person, kinds=list(Kind), by_mail=True)
    return person


@pytest.fixture
def concern(vera):
    return make_concern(make_cage("B-07", owner=vera, room="Room 2"), lasted=31)
