#!/usr/bin/env bash
# Removes the cluster CLUSTER and all that is in it.
set -euo pipefail
me=kind-down
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

need_kind
need_docker
say "removing cluster $CLUSTER with its volumes"
kind delete cluster --name "$CLUSTER"
