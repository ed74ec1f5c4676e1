#!/bin/sh
# make-secrets.sh APP_FOLDER DATABASE_FOLDER
#
# Makes this installation's secrets the first time; what is there stays as it is. APP_FOLDER gets
# what Neurocage reads, for its user only: secret_key, and pgpass with the database's password in
# the form that PostgreSQL's client library wants. DATABASE_FOLDER gets that password for the
# database server, which runs as another user: it is let in by the group.
set -eu
umask 077

app=$1
database=$2

# write FILE MODE CONTENT: nobody ever sees half a file, and a start that was cut short is repeated.
write() {
    printf '%s\n' "$3" >"$1.new"
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
}

# make_once FILE MODE: 64 random hexadecimal digits, which need quoting nowhere.
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
