from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Of the many builds that the packages bring the pages use one each."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "bootstrap-*",
        "bootstrap.rtl*",
        "bootstrap.css*",
        # htmx and idiomorph
        "ext",
        "*.ts",
        "*.gz",
        "*.cjs*",
        "*.amd.js",
        "*.esm*",
        "uPlot.iife.js",
        "htmx.js",
        "idiomorph.js",
        "idiomorph.min.js",
        "idiomorph-ext.js",
        "idiomorph-htmx.js",
    ]
