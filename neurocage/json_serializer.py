"""How values are written into the cache."""

import json


class JSONSerializer:
    """Django's own would unpickle whatever is in Redis, which can run any code."""

    def dumps(self, value: object) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> object:
        return json.loads(data)
