"""Import files as a person does, and read what the preview says."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

IMPORT = reverse("cage-import")


def upload(browser, text, **extra):
    data = text if isinstance(text, bytes) else text.encode()
    return browser.post(IMPORT, {"file": SimpleUploadedFile("cages.csv", data)}, **extra)


def answer(browser, dry_run, *answers):
    """The preview after these answers to its questions."""
    return browser.post(IMPORT, {"packed": dry_run.context["packed"], "answer": answers})


def confirm(browser, dry_run):
    sent = {
        "packed": dry_run.context["packed"],
        "answer": dry_run.context["answers"],
        "fingerprint": dry_run.context["plan"].fingerprint,
    }
    return browser.post(IMPORT, sent, follow=True)


def import_file(browser, text):
    return confirm(browser, upload(browser, text))


def reasons(response):
    return {row.number: row.reason for row in response.context["plan"].refused}


def numbers(rows):
    return [row.number for row in rows]
