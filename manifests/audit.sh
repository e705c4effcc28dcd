#!/usr/bin/env bash
# Tries the doors of the deployment in the current cluster: from another namespace, from a pod of this one, from a pod as
# a run has it, and what the admission policy refuses. Prints a table; fails if a door is open that should be closed,
# or closed that runs need. Leaves nothing behind.
set -euo pipefail
me=audit-cluster
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

need_cluster
kubectl get namespace "$namespace" > /dev/null 2>&1 || missing "gansweep is not deployed here: make deploy first"
image=${REGISTRY:-gansweep}/data:$TAG
outside=gansweep-audit
wrong=0

cleanup() {
  kubectl delete pod --namespace "$namespace" --selector gansweep/audit --ignore-not-found --wait=false > /dev/null
  kubectl delete namespace "$outside" --ignore-not-found --wait=false > /dev/null
}
trap cleanup EXIT

services=(ml-pipeline:8888 ml-pipeline:8887 ml-pipeline-ui:80 minio-service:9000 mysql:3306 metadata-grpc-service:8080
  metadata-envoy-service:9090)
secrets=/api/v1/namespaces/$namespace/secrets
rights=("may GET $secrets/gansweep-storage" "may GET $secrets/minio-root" "may GET $secrets" "may GET /api/v1/namespaces/$namespace/pods"
  "may PATCH /apis/argoproj.io/v1alpha1/namespaces/$namespace/workflows/none")

# pod NAME NAMESPACE ACCOUNT LABELS DOOR ...: starts a pod that tries the doors.
pod() {
  local name=$1 where=$2 account=$3 labels=$4 door
  shift 4
  {
    cat << YAML
apiVersion: v1
kind: Pod
metadata:
  name: $name
  labels: {gansweep/audit: "true"$labels}
spec:
  restartPolicy: Never
  serviceAccountName: $account
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: doors
      image: $image
      imagePullPolicy: IfNotPresent
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: 500m, memory: 256Mi}}
      command:
        - python3
        - -c
        - |
YAML
    sed 's/^/          /' "$here/audit/doors.py"
    for door in "$@"; do printf '        - "%s"\n' "$door"; done
  } | kubectl create --namespace "$where" --filename - > /dev/null
}

# expect CALLER DOOR open|closed: what the pod CALLER found of it.
expect() {
  local found
  case $(grep -F "\"door\": \"$2\"" <<< "$log") in
    *'"open": true'*) found=open ;;
    *'"open": false'*) found=closed ;;
    *) found="not tried" ;;
  esac
  row "$1" "$2" "$found" "$3"
}

row() { # CALLER DOOR FOUND EXPECTED
  local mark=""
  if [ "$3" != "$4" ]; then
    mark="  <-- should be $4"
    wrong=1
  fi
  printf '%-22s %-78s %-9s%s\n' "$1" "$2" "$3" "$mark"
}

# A run's pods as Argo would make them, offered to the API server but not made.
offer() { # WHAT EXPECTED SPEC
  local found=closed
  kubectl create --namespace "$namespace" --dry-run=server --as "system:serviceaccount:$namespace:argo" --filename - \
    > /dev/null 2>&1 <<< "{apiVersion: v1, kind: Pod, metadata: {name: audit-offer}, spec: {$3, containers: [{name: c, image: $image,
      resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}},
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}],
      securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}}}" && found=open
  row "a run's pod" "$1" "$found" "$2"
}

cleanup > /dev/null 2>&1
kubectl wait --for delete "namespace/$outside" --timeout 120s > /dev/null 2>&1 || true
kubectl create namespace "$outside" > /dev/null
abroad=()
for service in "${services[@]}"; do abroad+=("${service%:*}.$namespace:${service#*:}"); done
pod gansweep-audit-outside "$outside" default "" "${abroad[@]}"
pod gansweep-audit-inside "$namespace" default "" "${services[@]}"
pod gansweep-audit-stage "$namespace" pipeline-runner ', workflows.argoproj.io/workflow: audit' "${services[@]}" "${rights[@]}"

printf '%-22s %-78s %s\n' from door found
for caller in "outside $outside" "inside $namespace" "stage $namespace"; do
  name=gansweep-audit-${caller% *} where=${caller#* }
  kubectl wait --namespace "$where" --for jsonpath='{.status.phase}'=Succeeded "pod/$name" --timeout 180s > /dev/null ||
    missing "the pod $name did not end well: kubectl describe pod $name --namespace $where"
  log=$(kubectl logs --namespace "$where" "$name")
  case $name in
    *outside) for door in "${abroad[@]}"; do expect "another namespace" "$door" closed; done ;;
    *inside) for door in "${services[@]}"; do expect "a pod beside" "$door" closed; done ;;
    *stage)
      for door in "${services[@]}"; do
        case $door in
          minio-service:9000 | ml-pipeline:8887 | metadata-grpc-service:8080) expect "a stage" "$door" open ;;
          *) expect "a stage" "$door" closed ;;
        esac
      done
      expect "a stage" "${rights[0]}" open
      for door in "${rights[@]:1}"; do expect "a stage" "$door" closed; done ;;
  esac
done
offer "its own account" open "serviceAccountName: pipeline-runner"
offer "Argo's account" closed "serviceAccountName: argo"
offer "MinIO's root login" closed \
  "serviceAccountName: pipeline-runner, volumes: [{name: v, secret: {secretName: minio-root}}]"
offer "MinIO's volume" closed \
  "serviceAccountName: pipeline-runner, volumes: [{name: v, persistentVolumeClaim: {claimName: data-minio-0}}]"
known=$(images_known)
moved=$(images_moved "$known" "$(images_that_run)")
while read -r name _; do
  [ -n "$name" ] || continue
  grep -qF "$name " <<< "$moved" && found=another || found=same
  row "an image" "$name" "$found" same
done <<< "$known"

[ "$wrong" = 0 ] || { echo "$me: doors or images are not as they should be (marked above)" >&2; exit 1; }
say "all doors and images are as they should be"
