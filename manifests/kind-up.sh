#!/usr/bin/env bash
# Starts the cluster CLUSTER with kind, gives its last node GPUs that aren't there, and loads the images
# gansweep/{data,gan,classifier}:TAG. May be repeated.
set -euo pipefail
me=kind-up
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

need_kubectl
need_kind
need_docker
images=()
for image in data gan classifier; do
  images+=("gansweep/$image:$TAG")
  "$docker" image inspect "gansweep/$image:$TAG" > /dev/null 2>&1 ||
    missing "the image gansweep/$image:$TAG is missing: make image-$image (or make images for all three)"
done

if kind get clusters 2> /dev/null | grep -qx "$CLUSTER"; then
  say "cluster $CLUSTER is there"
  kind export kubeconfig --name "$CLUSTER" # makes it the current one again
else
  kind create cluster --name "$CLUSTER" --config "$here/kind.yaml" --wait 180s
fi

kubectl="kubectl --context kind-$CLUSTER"
node=$($kubectl get nodes --selector gansweep/gpu=true --output name)
$kubectl taint "$node" nvidia.com/gpu=present:NoSchedule --overwrite > /dev/null
# The kubelet keeps resources that it does not know, until it is started anew: run this again after that.
$kubectl patch "$node" --subresource status --type json --patch '[
  {"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": "4"},
  {"op": "add", "path": "/status/allocatable/nvidia.com~1gpu", "value": "4"}]' > /dev/null
say "$node has 4 simulated nvidia.com/gpu"

say "loading ${images[*]} (minutes)"
kind load docker-image --name "$CLUSTER" "${images[@]}"
say "ready: make deploy"
