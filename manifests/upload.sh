#!/usr/bin/env bash
# Brings the data set DATA (a folder, or one file) to the cluster's MinIO, as minio://gansweep/data/NAME; the form of the
# pipeline's newest version then names it.
set -euo pipefail
me=upload
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "$DATA" ] || missing "which data? make upload DATA=folder"
need_cluster
address=minio://gansweep/data/${NAME:-$(basename "$DATA")}
env -u GANSWEEP_S3_ENDPOINT "$BIN/gansweep" upload "$DATA" "$address"
[ -f "$DATA" ] ||
  "$BIN/gansweep" publish --preset "$here/overlays/$OVERLAY/parameters.yaml" --data "$address" \
    --registry "${REGISTRY:-gansweep}" --tag "$TAG"
