#!/bin/sh
# make-sbom.sh python LOCK FILE
# make-sbom.sh npm FILE
#
# Writes which packages a release consists of, as CycloneDX in JSON: all Python packages of a lock, also
# those for other systems only, or the front-end packages. Run it in the project's folder. `make sbom`
# and the build of the image do. What the image has of Debian is not in it.
set -eu

case $1 in
python)
    # A lock does not say who brought each package, about which the tool warns.
    PYTHONWARNINGS=ignore cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o "$3" "$2"
    ;;
npm)
    # npm takes the name from the folder and wants a version, which package.json does not have.
    folder=$(mktemp -d)
    mkdir "$folder/neurocage"
    cp package.json package-lock.json "$folder/neurocage"
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
    (cd "$folder/neurocage" && npm --loglevel=error pkg set "version=$version")
    (cd "$folder/neurocage" && npm --loglevel=error sbom --omit=dev --package-lock-only --sbom-format=cyclonedx --sbom-type=application) >"$2"
    rm -r "$folder"
    ;;
esac
