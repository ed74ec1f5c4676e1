#!/bin/sh
# make-secrets.sh APP_FOLDER DATABASE_FOLDER REDIS_FOLDER
#
# Makes the secrets of this installation when they do not exist yet. APP_FOLDER gets the files that
# Neurocage reads, for its user only: secret_key, and the address of the database with the password
# of the role that runs Neurocage. DATABASE_FOLDER gets the password of the role that owns the
# database, for the database server, which runs as another user, so that the group may read it, and
# the address with it, which only `migrate` uses. REDIS_FOLDER gets the password of Redis, alone, in
# the form of its configuration, and in the address that Neurocage uses.
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
write "$database/owner_url" 0400 "postgresql://neurocage:$(cat "$database/password")@timescaledb:5432/neurocage"
make_once "$app/database_password" 0400
# Earlier versions kept the password of the owner here, where every process could read it. They
# still use it while this version starts for the first time.
if [ -s "$app/database_url" ]; then
    rm -f "$app/pgpass"
fi
write "$app/database_url" 0400 "postgresql://neurocage_app:$(cat "$app/database_password")@timescaledb:5432/neurocage"
make_once "$redis/password" 0440
write "$redis/redis.conf" 0440 "requirepass $(cat "$redis/password")"
write "$redis/url" 0440 "redis://:$(cat "$redis/password")@redis:6379/0"
