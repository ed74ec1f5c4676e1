"""The metadata of a study package: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1)."""

import json
from dataclasses import dataclass
from typing import Any

METADATA = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
# The context of RO-Crate 1.1 has no term for a checksum.
CONTEXT = [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the package."""

    name: str
    kind: str
    description: str
    sha256: str
    size: int


def metadata(
    study: str, title: str, about: str, made_at: str, version: str, parts: list[Part]
) -> str:
    """Return ro-crate-metadata.json. about: the methods in words. made_at: ISO 8601."""
    files = [
        {
            "@id": part.name,
            "@type": "File",
            "name": part.name,
            "description": part.description,
            "encodingFormat": part.kind,
            "contentSize": str(part.size),
            "sha256": part.sha256,
        }
        for part in parts
    ]
    software = {
        "@id": "#neurocage",
        "@type": "SoftwareApplication",
        "name": "Neurocage",
        "softwareVersion": version,
    }
    # The specification wants the license as an entity of its own.
    terms = {
        "@id": "#license",
        "@type": "CreativeWork",
        "name": "Not stated",
        "description": "The owner of the data says how it may be used.",
    }
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "identifier": study,
        "name": title,
        "description": about,
        "datePublished": made_at,
        "license": {"@id": "#license"},
        "hasPart": [{"@id": part.name} for part in parts],
        "mentions": {"@id": "#neurocage"},
    }
    descriptor = {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": SPECIFICATION},
    }
    graph = [descriptor, root, software, terms, *files]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False) + "\n"
