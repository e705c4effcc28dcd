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

# The images of others that pods of the namespace run, and what each name led to: NAME DIGEST, one a line. Those of
# gansweep are left out: a commit's may be built anew.
images_that_run() {
  local each='{.image}{" "}{.imageID}{"\n"}{end}'
  kubectl get pods --namespace "$namespace" --output \
    jsonpath="{range .items[*].status.containerStatuses[*]}$each{range .items[*].status.initContainerStatuses[*]}$each" |
    awk -v own="${REGISTRY:-gansweep}/" 'NF == 2 && !index($1, own) {sub(/.*@/, "", $2); print}' | sort -u
}

# The same as an earlier deploy here has seen it.
images_known() {
  kubectl get configmap gansweep-images --namespace "$namespace" --ignore-not-found --output jsonpath='{.data.images}'
}

# images_moved KNOWN FOUND: what leads elsewhere now, as NAME DIGEST_THEN DIGEST_NOW.
images_moved() {
  awk 'NR == FNR {then[$1] = $2; seen[$0]; next} $1 in then && !($0 in seen) {print $1, then[$1], $2}' \
    <(echo "$1") <(echo "$2")
}
