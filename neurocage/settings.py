"""Django's settings. What differs between installations comes from the environment."""

import logging
import sys
from pathlib import Path

from csp.constants import NONE as CSP_NONE
from csp.constants import SELF as CSP_SELF
from redis.backoff import NoBackoff
from redis.retry import Retry

from neurocage import env, error_reports
from neurocage.redis_server import TIMEOUT_SECONDS as REDIS_SECONDS

BASE_DIR = Path(__file__).resolve().parent.parent

# All readings of the environment are between this and the end of this file.
env.collect_bad_values()
# `make up` writes the URLs of its embedded servers to this folder, so that manage.py finds them.
STATE_DIR = Path(env.text("STATE_DIR", str(BASE_DIR / ".state"))).expanduser().resolve()
env.load_stack_file(STATE_DIR)

DEBUG = env.flag("DEBUG")
# Empty when not set: a poll worker uses none, and Django refuses to use an empty one.
SECRET_KEY = env.secret("SECRET_KEY")
# The address by which people reach Neurocage, for links and codes; "" where it is not set.
BASE_URL = env.optional_url("BASE_URL", ("http", "https"))
# For health checks.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
NAMED_HOSTS = env.hosts("ALLOWED_HOSTS") or ([env.host_of(BASE_URL)] if BASE_URL else [])
# Without both, the host names are those said at the set-up, and HostMiddleware refuses the others.
LEARNS_HOSTS = not NAMED_HOSTS
ALLOWED_HOSTS = [*NAMED_HOSTS, *LOCAL_HOSTS] if NAMED_HOSTS else ["*"]

DATABASES = {}
# RUNNING_ROLE: (name, password), or None where the owner of the tables runs everything.
DATABASES["default"], RUNNING_ROLE = env.databases(
    sys.argv,
    env.database("DATABASE_URL"),
    env.owner_database("DATABASE_OWNER_URL"),
)
DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # A page must say soon that the database is away, instead of waiting for it.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    # They outlive a transaction, which a PgBouncer in transaction mode does not allow.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
REQUIRE_TIMESCALEDB = env.flag("REQUIRE_TIMESCALEDB")
REDIS_URL = env.url("REDIS_URL", "redis://localhost:6379/0", ("redis", "rediss"))

# Shared by all web processes. The code that uses it must work without it while Redis is away, and
# must know soon, so there is one attempt instead of the library's four.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "neurocage",
        "OPTIONS": {
            "serializer": "neurocage.redis_cache.JsonSerializer",
            "socket_timeout": REDIS_SECONDS,
            "socket_connect_timeout": REDIS_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        },
    }
}

SENSOR_API_URL = env.url("SENSOR_API_URL", "http://localhost:8080", ("http", "https"))
FACILITY_TIME_ZONE = env.time_zone("FACILITY_TIME_ZONE", "UTC")
# A poll may start until the end of its minute. With a longer timeout it could run into the minute
# after the next.
POLL_TIMEOUT_SECONDS = env.number("POLL_TIMEOUT_SECONDS", 10.0, 0.1, 50, kind=float)
POLL_CONCURRENCY = env.number("POLL_CONCURRENCY", 2500, 1, 10_000)
# Cages in one message, whatever POLL_SHARD_SIZE says.
LARGEST_SHARD = 10_000
POLL_SHARD_SIZE = env.number("POLL_SHARD_SIZE", 500, 1, LARGEST_SHARD)
# How long before and after handling its traces last in the data. Leaving handling out leaves this
# out as well.
HANDLING_MARGIN_MINUTES = env.number("HANDLING_MARGIN_MINUTES", 60, 0, 24 * 60)
# Called after each full cycle; "" for none.
HEARTBEAT_URL = env.optional_url("HEARTBEAT_URL", ("http", "https"))
# Hours after which a backup is overdue; 0 where none is expected.
BACKUP_MAX_AGE_HOURS = env.number("BACKUP_MAX_AGE_HOURS", 0, 0, 31 * 24)
# The folder with pg_dump and pg_restore, where they are at no usual place.
POSTGRES_PROGRAMS = env.text("POSTGRES_PROGRAMS")
# Who may read /metrics: who has the token, or, without one, who is in these networks.
METRICS_TOKEN = env.secret("METRICS_TOKEN")
METRICS_NETWORKS = env.networks(
    "METRICS_NETWORKS", "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
)
REGISTRATION_OPEN = env.flag("REGISTRATION_OPEN")
# Who makes the first account has to know it. Empty: made from the secret key.
SETUP_CODE = env.text("SETUP_CODE")
# The identity provider by which people may sign in too; empty where there is none.
OIDC = env.identity_provider("OIDC_SERVER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME")
HTTPS = env.flag("HTTPS")
# Our own proxies before the web application, which add to X-Forwarded-For.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, 0, 5)

# The mail server of notices: plain, with STARTTLS, or TLS from the first byte.
EMAIL_URL = env.optional_url("EMAIL_URL", ("smtp", "smtp+tls", "smtps"))
EMAIL_SENDER = env.text("EMAIL_SENDER", "neurocage@localhost")
# Channels in the facility's own network. Link-local addresses are refused all the same.
NOTICES_ALLOW_PRIVATE = env.flag("NOTICES_ALLOW_PRIVATE")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "neurocage.apps.StaticFiles",
    "django.contrib.postgres",
    "crispy_forms",
    "crispy_bootstrap5",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "people",
    "cages",
    "welfare",
]

MIDDLEWARE = [
    # Before all others, so that what they log belongs to the request.
    "neurocage.middleware.request_ids.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "neurocage.middleware.headers.PermissionsPolicyMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "neurocage.middleware.headers.ServerTimeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "neurocage.middleware.hosts.HostMiddleware",
    "django.middleware.common.CommonMiddleware",
    "neurocage.middleware.bodies.BodySizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "people.sessions.SessionLimitsMiddleware",
    "neurocage.middleware.acting.ActingMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "neurocage.middleware.shares.FairShareMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # After all others: it may answer in the place of the view.
    "neurocage.middleware.sent_once.SentOnceMiddleware",
]

ROOT_URLCONF = "neurocage.urls"
WSGI_APPLICATION = "neurocage.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "people.context_processors.person",
                "cages.context_processors.frame",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# Of new ones. Shorter ones of before go on working.
PASSWORD_LENGTH = 12
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": PASSWORD_LENGTH}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
] + [{"NAME": "people.passwords.RevokeTokens"}]
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["people.backends.PeopleBackend"]
ACCOUNT_ADAPTER = "people.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"} if EMAIL_URL else {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
# An address is confirmed before mails about the account go there. Nobody waits for that to sign in.
ACCOUNT_EMAIL_VERIFICATION = "optional" if EMAIL_URL else "none"
ACCOUNT_CHANGE_EMAIL = True
# Anybody could have mails sent to anybody.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_CONFIRMATION_HMAC = True
# allauth counts in the cache, which may be away.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {
    "login": "people.forms.accounts.SignInForm",
    "add_email": "people.forms.accounts.MailAddressForm",
    "change_password": "people.forms.accounts.ChangePasswordForm",
    "set_password": "people.forms.accounts.SetPasswordForm",
    "reset_password": "people.forms.accounts.ResetPasswordForm",
    "reset_password_from_key": "people.forms.accounts.ResetPasswordKeyForm",
    "reauthenticate": "people.forms.accounts.ConfirmPasswordForm",
}
SOCIALACCOUNT_ADAPTER = "people.oidc.OidcAdapter"
# Both have confirmed the address (`OidcAdapter`), so the account is linked for good.
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "people.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# As ACCOUNT_RATE_LIMITS. `people.locks` limits.
MFA_RATE_LIMITS = False
MFA_TOTP_ISSUER = "Neurocage"
MFA_FORMS = {
    "authenticate": "people.forms.accounts.CodeForm",
    "reauthenticate": "people.forms.accounts.ConfirmCodeForm",
    "activate_totp": "people.forms.accounts.AddFactorForm",
    "add_webauthn": "people.forms.passkeys.AddPasskeyForm",
    "edit_webauthn": "people.forms.passkeys.NamePasskeyForm",
    "authenticate_webauthn": "people.forms.passkeys.SecondPasskeyForm",
    "reauthenticate_webauthn": "people.forms.passkeys.ConfirmPasskeyForm",
    "login_webauthn": "people.forms.passkeys.PasskeySignInForm",
}
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "cage-list"
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = FACILITY_TIME_ZONE
# ISO dates and a 24-hour clock on every page, whatever the language.
FORMAT_MODULE_PATH = ["neurocage.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("bootstrap", BASE_DIR / "node_modules/bootstrap/dist/css"),
    ("htmx", BASE_DIR / "node_modules/htmx.org/dist"),
    ("uplot", BASE_DIR / "node_modules/uplot/dist"),
    ("idiomorph", BASE_DIR / "node_modules/idiomorph/dist"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# A session ends after this time without a use, and this long after the sign-in at the latest.
SESSION_IDLE_MINUTES = env.number("SESSION_IDLE_MINUTES", 480, 5, 20_160)
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# HSTS for subdomains and the redirect from http to https are decided by a proxy in front.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
# Only our own files and nothing inline. Bootstrap's style sheet holds its icons as data: URLs.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [CSP_NONE],
        "script-src": [CSP_SELF],
        "style-src": [CSP_SELF],
        "img-src": [CSP_SELF, "data:"],
        "font-src": [CSP_SELF],
        "connect-src": [CSP_SELF],
        "form-action": [CSP_SELF],
        "frame-ancestors": [CSP_NONE],
        "base-uri": [CSP_NONE],
    }
}
# For the fields of an import, which sends its file back. BodySizeMiddleware bounds other bodies.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

CELERY_BROKER_URL = REDIS_URL
if REDIS_URL.startswith("rediss:") and "ssl_cert_reqs=" not in REDIS_URL:
    # Unlike redis-py, kombu accepts any certificate unless told otherwise.
    CELERY_BROKER_URL += f"{'&' if '?' in REDIS_URL else '?'}ssl_cert_reqs=required"
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_DEFAULT_QUEUE = "slots"
CELERY_TASK_ROUTES = {
    "cages.polling.tasks.start_slot": {"queue": "slots"},
    "cages.polling.tasks.poll_cages": {"queue": "polls"},
    "cages.polling.tasks.record_polls": {"queue": "records"},
    "cages.polling.tasks.purge_cage": {"queue": "slots"},
    "cages.polling.tasks.check_database": {"queue": "slots"},
    "cages.polling.tasks.close_days": {"queue": "slots"},
    "people.tasks.forget_old_acts": {"queue": "slots"},
    "people.tasks.delete_expired_sessions": {"queue": "slots"},
    # Apart from polling and from each other, so that neither ever waits for the other.
    "welfare.tasks.judge_slot": {"queue": "judge"},
    "welfare.tasks.judge_unjudged": {"queue": "judge"},
    "welfare.tasks.judge_again": {"queue": "judge"},
    "welfare.tasks.judge_sensors": {"queue": "judge"},
    "welfare.tasks.check_itself": {"queue": "judge"},
    "welfare.tasks.call_heartbeat": {"queue": "notices"},
    "welfare.tasks.send_notices": {"queue": "notices"},
    # Some seconds of CPU for each room, once a day: in no process that records polls.
    "welfare.tasks.make_night_sheets": {"queue": "notices"},
    "welfare.tasks.forget_notices": {"queue": "notices"},
}
# Beat looks at the clock at least this often (seconds), as it may be set or the machine may sleep.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
# Purges that wait for their next step are in Redis. At most this many are in the worker as well.
CELERY_WORKER_ETA_TASK_LIMIT = 1000
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # After this many seconds a message goes to another worker, because the first has probably
    # died. No shard takes that long (at most its minute and one timeout), so no message goes to a
    # second worker while the first is still at work.
    "visibility_timeout": 120,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
}

DEFAULT_EXCEPTION_REPORTER_FILTER = "neurocage.error_page.ReporterFilter"
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOG_FORMAT = env.choice("LOG_FORMAT", "TEXT", ("TEXT", "JSON"))
# Where errors are reported to; "" for nowhere.
SENTRY_DSN = env.sentry_dsn("SENTRY_DSN")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"unavailable": {"()": "neurocage.request_log.OneUnavailableAMinute"}},
    "formatters": {
        "line": {
            "()": "neurocage.secrecy.Formatter",
            "fmt": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "neurocage.json_log.JsonFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": {"TEXT": "line", "JSON": "json"}[LOG_FORMAT],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        **dict.fromkeys(("cages", "people", "welfare", "neurocage"), {"level": LOG_LEVEL}),
        "celery": {"level": "WARNING"},
        "django.request": {"filters": ["unavailable"]},
    },
}

if LOG_FORMAT == "JSON":
    # Python writes its warnings as text otherwise.
    logging.captureWarnings(True)

env.refuse_bad_values()
if SENTRY_DSN:
    error_reports.start(SENTRY_DSN)
