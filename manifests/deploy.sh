#!/usr/bin/env bash
# Brings MinIO, Kubeflow Pipelines and the pipeline to the cluster of the current kubeconfig. May be repeated.
#   deploy.sh check   looks for what is missing, and changes nothing
#   deploy.sh         deploys OVERLAY (kind or gpu), then publishes the pipeline for the images REGISTRY/...:TAG
set -euo pipefail
me=${ME:-deploy}
# shellcheck source=manifests/lib.sh
. "$(dirname "$0")/lib.sh"

check() {
  [ -d "$here/overlays/$OVERLAY" ] || missing "OVERLAY=$OVERLAY is unknown: take one of $(cd "$here/overlays" && echo *)"
  if [ "$OVERLAY" != kind ] && [ -z "$REGISTRY" ]; then
    missing "where are the images? make push REGISTRY=host/path, then make deploy OVERLAY=$OVERLAY REGISTRY=host/path"
  fi
  need_kubectl
  need git "apt-get install git (kubectl fetches Kubeflow Pipelines with it)"
  need_cluster
  # An installation of someone else's is left alone; undeploy would remove it later.
  local foreign
  foreign=$(kubectl get namespaces,customresourcedefinitions --selector "${ours/=/!=}" --output name) ||
    missing "your login may not look at namespaces and resource definitions: deploying takes a cluster administrator"
  case $'\n'$foreign$'\n' in
    *$'\nnamespace/'$namespace$'\n'* | *'/workflows.argoproj.io'$'\n'*)
      missing "this cluster has a namespace $namespace or Argo Workflows that gansweep did not bring: take another cluster" ;;
  esac
}

apply() { # the same fields may have been set by hand: the manifests win
  kubectl apply --server-side --force-conflicts --kustomize "$1" --output name
}

# make_secret NAME KEY=VALUE ...: unless it is there. Through stdin: arguments can be seen in the list of processes.
make_secret() {
  local name=$1 pair
  shift
  [ -z "$(kubectl get secret "$name" --namespace "$namespace" --ignore-not-found --output name)" ] || return 0
  {
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\nstringData:\n' "$name"
    for pair in "$@"; do
      printf '  %s: "%s"\n' "${pair%%=*}" "${pair#*=}"
    done
  } | kubectl create --namespace "$namespace" --filename - > /dev/null
  say "made secret $name"
}

random() { # 32 digits; MinIO takes 40 at most
  head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

# The way to the API server: its addresses are each cluster's own, and a policy sees them, not the Service's.
open_api_server() {
  local addresses ports
  addresses=$(kubectl get endpointslices --namespace default --selector kubernetes.io/service-name=kubernetes \
    --output jsonpath='{range .items[*].endpoints[*]}{.addresses[0]}{"\n"}{end}')
  ports=$(kubectl get endpointslices --namespace default --selector kubernetes.io/service-name=kubernetes \
    --output jsonpath='{.items[0].ports[*].port}')
  [ -n "$addresses" ] && [ -n "$ports" ] || missing "the API server's addresses can't be read (endpointslices of the Service kubernetes)"
  {
    sed -n '/^  egress:/q;p' "$here/network/api-server.yaml"
    printf '  egress:\n    - to:\n'
    while read -r address; do
      case $address in
        *:*) printf '        - ipBlock: {cidr: "%s/128"}\n' "$address" ;;
        *) printf '        - ipBlock: {cidr: %s/32}\n' "$address" ;;
      esac
    done <<< "$addresses"
    printf '      ports:\n'
    # shellcheck disable=SC2086 # one word a port
    printf '        - port: %s\n' $ports
  } | kubectl apply --server-side --force-conflicts --namespace "$namespace" --filename - > /dev/null
}

# What an earlier deploy of ours had and this one leaves out: apply takes nothing away.
retire() {
  local parts=kubeflow-pipelines
  kubectl delete --namespace "$namespace" --ignore-not-found \
    deployment/cache-server deployment/cache-deployer-deployment deployment/metadata-writer deployment/ml-pipeline-viewer-crd \
    deployment/ml-pipeline-visualizationserver service/cache-server networkpolicy/default-allow-same-namespace \
    serviceaccount/$parts-cache serviceaccount/$parts-cache-deployer-sa serviceaccount/$parts-metadata-writer \
    serviceaccount/$parts-container-builder serviceaccount/$parts-viewer serviceaccount/ml-pipeline-viewer-crd-service-account \
    serviceaccount/ml-pipeline-visualizationserver role/$parts-cache-role role/$parts-cache-deployer-role \
    role/$parts-metadata-writer-role role/ml-pipeline-viewer-controller-role rolebinding/$parts-cache-binding \
    rolebinding/$parts-cache-deployer-rolebinding rolebinding/$parts-metadata-writer-binding \
    rolebinding/ml-pipeline-viewer-crd-binding > /dev/null
  kubectl delete --ignore-not-found clusterrole/$parts-cache-deployer-clusterrole \
    clusterrolebinding/$parts-cache-deployer-clusterrolebinding > /dev/null
}

give_up() { # OBJECT
  {
    echo "$me: $1 did not become ready. Pods that are not, the last warnings, and the end of its log:"
    kubectl get pods --namespace "$namespace" --no-headers |
      awk '{split($2, ready, "/"); if (ready[1] != ready[2] && $3 != "Completed") print "  " $0}'
    kubectl get events --namespace "$namespace" --field-selector type=Warning --sort-by .lastTimestamp --no-headers |
      tail -n 20 | sed 's/^/  /'
    kubectl logs "$1" --namespace "$namespace" --all-containers --tail 20 2>&1 | sed 's/^/  /'
  } >&2
  exit 1
}

await() { # OBJECT WHAT_TO_WAIT_WITH ...
  local object=$1 start=$SECONDS
  shift
  kubectl "$@" "$object" --namespace "$namespace" --timeout 900s > /dev/null 2>&1 || give_up "$object"
  say "ready after $((SECONDS - start)) s: $object"
}

# A tag can be moved: what each name of an image has led to when it was first seen here is kept, and compared.
lock_images() {
  local known found moved
  known=$(images_known)
  found=$(images_that_run)
  moved=$(images_moved "$known" "$found")
  if [ -n "$moved" ]; then
    while read -r name before now; do
      echo "$me: the image $name was $before at an earlier deploy and is $now" >&2
    done <<< "$moved"
    echo "$me: look at what changed; kubectl delete configmap gansweep-images --namespace $namespace takes it" >&2
    exit 1
  fi
  {
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gansweep-images\ndata:\n  images: |\n'
    printf '%s\n' "$known" "$found" | awk 'NF && !seen[$0]++ {print "    " $0}'
  } | kubectl apply --server-side --force-conflicts --namespace "$namespace" --filename - > /dev/null
}

check
[ "${1:-}" != check ] || exit 0

say "overlay $OVERLAY to context $(kubectl config current-context)"
kubeflow=$(sed -n 's,.*//\(github.com/[^/]*/[^/]*\)/.*ref=\([^&]*\).*,\1 \2,p' "$here/kfp/kustomization.yaml" | sort -u)
version=${kubeflow#* }
commit=$(git ls-remote "https://${kubeflow% *}" "refs/tags/$version" "refs/tags/$version^{}" 2> /dev/null | tail -n 1 | cut -f 1 || true)
say "Kubeflow Pipelines $version (commit ${commit:-unknown: GitHub does not answer}), with the Argo and MySQL that it names"
# A tag can be moved: what an earlier deploy here has fetched by it is kept on the namespace, and compared.
before=$(kubectl get namespace "$namespace" --ignore-not-found --output jsonpath='{.metadata.annotations.gansweep-kubeflow}')
if [ -n "$commit" ] && [ "${before% *}" = "$version" ] && [ "${before#* }" != "$commit" ]; then
  missing "the tag $version of Kubeflow Pipelines led to commit ${before#* } at the last deploy and leads to $commit now: look at \
what changed; kubectl annotate namespace $namespace gansweep-kubeflow- takes it"
fi
say "resource definitions and roles (fetched from GitHub: minutes)"
definitions=$(apply "$here/kfp/cluster" | grep '^customresourcedefinition')
# shellcheck disable=SC2086 # one word a definition
kubectl wait --for condition=established --timeout 120s $definitions > /dev/null

[ -z "$commit" ] || kubectl annotate --overwrite namespace "$namespace" "gansweep-kubeflow=$version $commit" > /dev/null

make_secret minio-root root-user=root "root-password=$(random)"
make_secret mlpipeline-minio-artifact accesskey=mlpipeline "secretkey=$(random)"
make_secret gansweep-storage endpoint=http://minio-service.kubeflow:9000 access-key=gansweep "secret-key=$(random)" \
  checkpoints=minio://gansweep/checkpoints
make_secret gansweep-upload access-key=gansweep-upload "secret-key=$(random)" # people's, who bring data; no pod has it
open_api_server

say "MinIO"
kubectl delete job minio-setup --namespace "$namespace" --ignore-not-found > /dev/null # a Job can't be changed
apply "$here/overlays/$OVERLAY" > /dev/null
for object in $(kubectl get statefulsets --namespace "$namespace" --output name); do
  await "$object" rollout status
done
for object in $(kubectl get jobs --namespace "$namespace" --selector "$ours" --output name); do
  await "$object" wait --for condition=complete
done

say "Kubeflow Pipelines"
apply "$here/overlays/$OVERLAY/kfp" > /dev/null
retire
running='{range .items[?(@.spec.replicas>0)]}deployment.apps/{.metadata.name}{"\n"}{end}'
for object in $(kubectl get deployments --namespace "$namespace" --output jsonpath="$running"); do
  await "$object" rollout status
done
lock_images

"$BIN/gansweep" publish --preset "$here/overlays/$OVERLAY/parameters.yaml" --registry "${REGISTRY:-gansweep}" --tag "$TAG"
say "done. The UI: kubectl port-forward --namespace $namespace service/ml-pipeline-ui 8080:80, then http://localhost:8080"
