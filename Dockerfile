# Three images from one build: `app` runs every process of Neurocage, `nginx` serves the static files
# and passes all other requests on, `secrets` makes the secrets. The first two get the static files
# from this build and not from a volume, so they always match the pages.

# The front-end packages. Node itself is in none of the images.
FROM node:24.21.0-bookworm-slim AS packages

WORKDIR /packages
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY pyproject.toml docker/make-sbom.sh ./
RUN sh make-sbom.sh npm frontend.cdx.json


# pg_dump and pg_restore of the database's major version, for `manage.py backup` and `restore`.
FROM postgres:17.12-bookworm AS postgresql


FROM python:3.11-slim-bookworm AS base

# docker-compose.yml mounts the volumes with the secrets on these folders. A new volume takes the
# owner and mode of its folder, and our user must be able to write there.
RUN groupadd --gid 10000 neurocage \
    && useradd --uid 10000 --gid neurocage --no-create-home --shell /usr/sbin/nologin neurocage \
    && install -d -o neurocage -g neurocage -m 0700 /var/lib/neurocage/app-secrets \
    && install -d -o neurocage -g neurocage -m 0750 /var/lib/neurocage/database-secrets \
    && install -d -o neurocage -g neurocage -m 0750 /var/lib/neurocage/redis-secrets

WORKDIR /app


# An image of its own, which an upgrade leaves unchanged. Compose replaces a container when its image
# has changed, and then also those that depend on it. The database depends on the secrets.
FROM base AS secrets

COPY docker/make-secrets.sh docker/make-secrets.sh
USER neurocage


# The list of the Python packages of the app. What writes it is in none of the images.
FROM base AS sbom

COPY requirements-sbom.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-sbom.lock
COPY docker/make-sbom.sh docker/make-sbom.sh
COPY pyproject.toml requirements.lock requirements-parquet.lock ./
ARG PARQUET=0
RUN if [ "$PARQUET" = 1 ]; then lock=requirements-parquet.lock; else lock=requirements.lock; fi \
    && sh docker/make-sbom.sh python "$lock" /python.cdx.json


FROM base AS app

# numpy starts a thread for each core of the machine otherwise, in every process, and uses none.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1

# The programs with their libraries take about 5 MB. The package of the client would bring Perl too.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgssapi-krb5-2 libldap-2.5-0 liblz4-1 libzstd1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=postgresql /usr/lib/postgresql/17/bin/pg_dump /usr/lib/postgresql/17/bin/pg_restore /usr/lib/postgresql/17/bin/
COPY --from=postgresql /usr/lib/*-linux-gnu/libpq.so.5.* /usr/local/lib/
RUN ldconfig

# Before the code, so that a change of the code installs nothing again.
COPY requirements.lock requirements-parquet.lock ./
# 1 adds pyarrow, 170 MB. Without it, exports are CSV and Excel.
ARG PARQUET=0
RUN if [ "$PARQUET" = 1 ]; then lock=requirements-parquet.lock; else lock=requirements.lock; fi \
    && pip install --no-cache-dir --disable-pip-version-check --require-hashes -r "$lock"
COPY . .
COPY --from=packages /packages/node_modules node_modules
COPY --from=packages /packages/frontend.cdx.json sbom/frontend.cdx.json
COPY --from=sbom /python.cdx.json sbom/python.cdx.json
# This needs no database and no secret, so none gets into the image.
RUN python manage.py collectstatic --noinput

# The code belongs to root, so that an attacker in the web process cannot change it.
USER neurocage
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "-c", "neurocage/gunicorn.conf.py", "--bind", "0.0.0.0:8000", "neurocage.wsgi"]


FROM nginx:1.30.5-alpine AS nginx

COPY nginx/nginx.conf nginx/tls.conf nginx/process.conf nginx/http.conf nginx/site.conf nginx/web.conf /etc/nginx/
COPY nginx/starting.html /srv/neurocage/pages/starting.html
COPY --from=app /app/staticfiles /srv/neurocage/static

USER nginx
EXPOSE 8080
# Not through the start script of the image, which edits files that this user may not change.
# -e: where to write messages before the configuration is read.
ENTRYPOINT ["nginx", "-e", "stderr"]
CMD []
