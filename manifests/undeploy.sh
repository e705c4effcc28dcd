#!/usr/bin/env bash
# Removes what deploy.sh brought to the cluster of the current kubeconfig: runs, artifacts and volumes with it.
set -euo pipefail
me=undeploy
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

# In this order: resource definitions last, so that the namespace can still empty itself of their objects.
kinds=(namespaces clusterrolebindings clusterroles priorityclasses validatingadmissionpolicybindings
  validatingadmissionpolicies customresourcedefinitions)

found() {
  kubectl get "$(IFS=,; echo "${kinds[*]}")" --selector "$ours" --output name
}

volumes() {
  kubectl get persistentvolumes \
    --output jsonpath="{range .items[?(@.spec.claimRef.namespace=='$namespace')]}persistentvolume/{.metadata.name}{'\n'}{end}"
}

need_cluster
objects=$(found)
say "from context $(kubectl config current-context):"
# shellcheck disable=SC2001 # of several lines
sed 's/^/  /' <<< "${objects:-nothing to remove}"
# Runs first, while Argo is still there to end them.
kubectl delete workflows.argoproj.io --all --namespace "$namespace" --timeout 120s > /dev/null 2>&1 || true
for kind in "${kinds[@]}"; do
  kubectl delete "$kind" --selector "$ours" --timeout 300s > /dev/null
done

# The storage class removes the volumes, in its own time, unless it is told to keep them.
for _ in $(seq 30); do
  [ -n "$(volumes)" ] || break
  sleep 2
done
left=$(found; volumes)
if [ -n "$left" ]; then
  echo "$me: still there (kubectl describe says why; volumes may be kept by their storage class):" >&2
  # shellcheck disable=SC2001
  sed 's/^/  /' <<< "$left" >&2
  exit 1
fi
say "nothing is left"
