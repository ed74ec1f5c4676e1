from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Leaves out the builds of front-end packages that no page uses."""

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
