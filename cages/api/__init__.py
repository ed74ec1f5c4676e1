"""The API that programs read: JSON, read-only, under /api/v1/, with a person's own token."""
