#!/bin/sh
# make-secrets.sh APP_FOLDER DATABASE_FOLDER REDIS_FOLDER
#
# Makes the secrets of this installation when they do not exist yet. APP_FOLDER gets the files that
# Neurocage reads, for its user only: secret_key, and pgpass with the database's password in the form
# of PostgreSQL's client library. DATABASE_FOLDER gets the same password for the database server. It
# runs as another user, so the file is readable by the group. REDIS_FOLDER gets the password of Redis,
# alone, in the form of its configuration, and in the address that Neurocage uses.
set -eu
umask 077

app=$1
database=$2
redis=$3

# write FILE MODE CONTENT: the file appears complete or, when interrupted, not at all.
write() {
    printf '%s\n' "$3" >"$1.new"
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
}

# make_once FILE MODE: writes 64 random hexadecimal digits, which need no quoting anywhere.
make_once() {
    if [ ! -s "$1" ]; then
        secret=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
        [ ${#secret} -eq 64 ]
        write "$1" "$2" "$secret"
        echo "Made $1."
    fi
}

make_once "$app/secret_key" 0400
make_once "$database/password" 0440
write "$app/pgpass" 0400 "timescaledb:5432:neurocage:neurocage:$(cat "$database/password")"
make_once "$redis/password" 0440
write "$redis/redis.conf" 0440 "requirepass $(cat "$redis/password")"
write "$redis/url" 0440 "redis://:$(cat "$redis/password")@redis:6379/0"
