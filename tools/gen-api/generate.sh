#!/bin/sh
# Rebuilds api/envoy.binpb and api/types. See README.md.
set -eu
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci --ignore-scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./imports.sh
go run . ../../api/envoy.binpb
go run . -full "$work/full.binpb"
rm -rf ../../api/types
npx --no-install buf generate "$work/full.binpb" --template buf.gen.yaml
