"""From which address a request comes: never what a client says of itself."""

import pytest
from django.test import RequestFactory

from people.addresses import address_of


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, "10.9.9.9", "172.18.0.2"),
        (1, None, "172.18.0.2"),
        (1, "10.1.2.3", "10.1.2.3"),
        (1, "1.1.1.1, 10.1.2.3", "10.1.2.3"),
        (2, "1.1.1.1, 10.1.2.3, 192.168.0.9", "10.1.2.3"),
        (2, "10.1.2.3", "172.18.0.2"),
        (1, "nonsense", "172.18.0.2"),
        (1, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_added_is_believed(settings, proxies, told, address):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if told is None else {"X-Forwarded-For": told}
    request = RequestFactory(headers=headers).get("/", REMOTE_ADDR="172.18.0.2")
    assert address_of(request) == address
