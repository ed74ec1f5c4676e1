# Two images from one build: `app` runs every process of Neurocage, `nginx` serves its static files
# and passes the rest on. Both take the static files from here, so they always match: no volume of
# them can be older than the pages.

# What the browser gets from npm. Node itself is in no image that runs.
FROM node:24.21.0-bookworm-slim AS packages

WORKDIR /packages
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund


FROM python:3.11-slim-bookworm AS app

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

# A new volume takes owner and mode of the folder that it is mounted on: these two are where
# docker-compose.yml keeps its secrets, and our user has to be able to write them.
RUN groupadd --gid 10000 neurocage \
    && useradd --uid 10000 --gid neurocage --no-create-home --shell /usr/sbin/nologin neurocage \
    && install -d -o neurocage -g neurocage -m 0700 /var/lib/neurocage/app-secrets \
    && install -d -o neurocage -g neurocage -m 0750 /var/lib/neurocage/database-secrets

WORKDIR /app
# Before the code, so that a change of it installs nothing anew.
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt -c constraints.txt
COPY . .
COPY --from=packages /packages/node_modules node_modules
# Needs no database and no secret, so none gets into the image.
RUN python manage.py collectstatic --noinput

# The code stays root's: who breaks in cannot change it.
USER neurocage
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "-c", "neurocage/gunicorn.conf.py", "--bind", "0.0.0.0:8000", "neurocage.wsgi"]


FROM nginx:1.30.5-alpine AS nginx

COPY nginx/nginx.conf /etc/nginx/nginx.conf
COPY nginx/starting.html /srv/neurocage/pages/starting.html
COPY --from=app /app/staticfiles /srv/neurocage/static

USER nginx
EXPOSE 8080
# Past the image's own start script, which would edit files that this user may not touch.
# -e: messages from before the configuration is read.
ENTRYPOINT ["nginx", "-e", "stderr"]
CMD []
