"""Programs that read this API, ready to run. A test runs those for which it has the language."""

from dataclasses import dataclass

from cages.api.schemas import ReadingItem

TOKEN_VARIABLE = "NEUROCAGE_TOKEN"  # noqa: S105  (its name)


@dataclass(frozen=True, slots=True)
class Examples:
    """base: the address of the API; cage_id; start and end: days as YYYY-MM-DD."""

    base: str
    cage_id: int
    start: str
    end: str

    @property
    def curl(self) -> str:
        return f"""\
curl -G {self.base}/readings \\
  -H "Authorization: Bearer ${TOKEN_VARIABLE}" \\
  -d cage={self.cage_id} -d from={self.start} -d to={self.end}"""

    @property
    def python(self) -> str:
        return f"""\
import os
import time

import requests

API = "{self.base}"
session = requests.Session()
session.headers["Authorization"] = "Bearer " + os.environ["{TOKEN_VARIABLE}"]


def read(what, **query):
    address = f"{{API}}/{{what}}"
    while address:
        answer = session.get(address, params=query, timeout=60)
        if answer.status_code == 429:
            time.sleep(int(answer.headers["Retry-After"]))
            continue
        answer.raise_for_status()
        page = answer.json()
        yield from page["items"]
        # It holds the whole query already.
        address, query = page["next"], {{}}


span = {{"from": "{self.start}", "to": "{self.end}"}}
readings = list(read("readings", cage=[{self.cage_id}], **span))"""

    @property
    def pandas(self) -> str:
        # A table without rows has these columns too.
        columns = ", ".join(f'"{name}"' for name in ReadingItem.model_fields)
        return f"""\
import pandas as pd

table = pd.DataFrame(readings, columns=[{columns}])
table["slot"] = pd.to_datetime(table["slot"], utc=True)"""

    @property
    def r(self) -> str:
        return f"""\
library(httr2)
library(jsonlite)

read <- function(what, ...) {{
  # R itself would write 100000 as 1e+05.
  values <- lapply(list(...), format, scientific = FALSE, trim = TRUE)
  values <- setNames(unlist(values), rep(names(values), lengths(values)))
  query <- paste0(names(values), "=", sapply(values, URLencode, reserved = TRUE), collapse = "&")
  asked <- request(paste0("{self.base}/", what, "?", query)) |>
    req_auth_bearer_token(Sys.getenv("{TOKEN_VARIABLE}")) |>
    req_retry(max_tries = 5)
  pages <- list()
  repeat {{
    page <- fromJSON(resp_body_string(req_perform(asked)))
    pages <- c(pages, list(page$items))
    if (is.null(page[["next"]])) break
    # It holds the whole query already.
    asked <- req_url(asked, page[["next"]])
  }}
  do.call(rbind, Filter(length, pages))
}}

readings <- read("readings", cage = c({self.cage_id}), from = "{self.start}", to = "{self.end}")
# NULL where no minute is known.
if (length(readings)) {{
  readings$slot <- as.POSIXct(readings$slot, format = "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
}}"""
