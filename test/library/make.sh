#!/bin/sh
# Makes library.binpb anew. Needs Python with the packages grpcio-tools and googleapis-common-protos.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
mkdir "$work/nuncio"
cp library.proto legacy.proto "$work/nuncio"
site=$(python3 -c 'import google.api, os; print(os.path.dirname(os.path.dirname(os.path.dirname(google.api.__file__ or list(google.api.__path__)[0] + "/x"))))')
python3 -m grpc_tools.protoc -I "$work" -I "$site" --include_imports --descriptor_set_out=library.binpb nuncio/library.proto google/rpc/error_details.proto
rm -r "$work"
