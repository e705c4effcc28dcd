#!/usr/bin/env bash
# Brings the data set DATA (a folder, or one file) to the cluster's MinIO, as minio://gansweep/data/NAME.
set -euo pipefail
me=upload
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "$DATA" ] || missing "which data? make upload DATA=folder"
need_cluster
login() {
  kubectl get secret gansweep-upload --namespace "$namespace" --output "jsonpath={.data.$1}" 2> /dev/null | base64 -d
}
GANSWEEP_S3_ACCESS_KEY=$(login access-key)
GANSWEEP_S3_SECRET_KEY=$(login secret-key)
[ -n "$GANSWEEP_S3_SECRET_KEY" ] || missing "the cluster has no Secret gansweep-upload: make deploy first"

# kubectl picks a free port of this machine and prints it.
coproc forward { exec kubectl port-forward --namespace "$namespace" service/minio-service :9000 2>&1; }
trap 'kill "$forward_PID" 2> /dev/null || true' EXIT
read -r -t 30 line <&"${forward[0]}" || missing "MinIO can't be reached: $line"
port=$(sed -n 's/^Forwarding from 127\.0\.0\.1:\([0-9]*\).*/\1/p' <<< "$line")
[ -n "$port" ] || missing "MinIO can't be reached: $line"

export GANSWEEP_S3_ACCESS_KEY GANSWEEP_S3_SECRET_KEY GANSWEEP_S3_ENDPOINT=http://127.0.0.1:$port
"$BIN/gansweep" upload "$DATA" "minio://gansweep/data/${NAME:-$(basename "$DATA")}"
