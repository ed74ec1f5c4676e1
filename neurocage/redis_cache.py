"""How values are written to the cache in Redis."""

import json
from typing import Any


class JsonSerializer:
    """Values as JSON.

    Django's own serializer uses pickle, with which whoever can write to Redis could run any program
    in a web process.
    """

    def dumps(self, value: Any) -> str:
        return json.dumps(value)

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
