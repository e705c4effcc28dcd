# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from the scripts that read this
# What the scripts beside it share. Each names itself in `me` before it reads this.

namespace=kubeflow
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The label of everything that deploy.sh brings, apart from what runs make.
ours=app.kubernetes.io/part-of=gansweep

# missing TEXT: one line, before anything was done.
missing() {
  echo "$me: $1" >&2
  exit 2
}

# need COMMAND WHERE_TO_GET_IT
need() {
  command -v "$1" > /dev/null || missing "$1 is missing: get it from $2"
}

need_kubectl() {
  need kubectl "https://kubernetes.io/docs/tasks/tools (1.32 or later)"
}

need_cluster() {
  need_kubectl
  kubectl get --raw /version --request-timeout=10s > /dev/null 2>&1 ||
    missing "no cluster answers (context $(kubectl config current-context 2> /dev/null || echo none)): start one with make kind-up, or point KUBECONFIG at yours"
}

need_docker() {
  docker=${DOCKER:-docker}
  need "$docker" "https://docs.docker.com/engine/install"
  "$docker" info > /dev/null 2>&1 || missing "$docker does not answer: start its daemon, or ask for the right to use it"
}

need_kind() {
  need kind "https://kind.sigs.k8s.io/docs/user/quick-start"
}

say() {
  echo "$me: $1"
}
