"""Stand-ins for kubectl, kind, docker and gansweep: they keep a little state, and write down how they were called."""

from pathlib import Path

# Every call is one line of $FAKES/log; what came through stdin lies in $FAKES/secrets.
KUBECTL = r"""
case "$*" in
  "get --raw /version"*) [ ! -e "$FAKES/dead" ] ;;
  "config current-context") echo kind-test ;;
  "get namespaces,customresourcedefinitions "*) cat "$FAKES/foreign" 2> /dev/null || true ;;
  "get secret "*) [ ! -e "$FAKES/secrets/$3" ] || echo "secret/$3" ;;
  "get endpointslices "*addresses*) printf '10.0.0.7\n' ;;
  "get endpointslices "*ports*) printf 6443 ;;
  "get configmap gansweep-images "*) cat "$FAKES/known" 2> /dev/null || true ;;
  "apply "*"--filename -")
    text=$(cat)
    case $text in
      *"kind: ConfigMap"*)
        echo "$text" > "$FAKES/lock"
        sed -n 's/^    //p' <<< "$text" > "$FAKES/known" ;;
      *) echo "$text" > "$FAKES/applied" ;;
    esac ;;
  "get namespace kubeflow --ignore-not-found "*) cat "$FAKES/annotation" 2> /dev/null || true ;;
  "annotate --overwrite namespace kubeflow "*) printf '%s' "${5#*=}" > "$FAKES/annotation" ;;
  "get namespace kubeflow") [ ! -e "$FAKES/undeployed" ] ;;
  "create namespace "*) ;;
  "create "*"--dry-run=server "*) ! grep -q -e 'Name: argo,' -e minio-root -e persistentVolumeClaim ;;
  "create --namespace "*"--filename -" | "logs --namespace "*"gansweep-audit-"*)
    mkdir -p "$FAKES/pods"
    if [ "$1" = create ]; then
      text=$(cat)
      name=$(sed -n 's/^  name: //p' <<< "$text")
      case $name in gansweep-audit-*) echo "$text" > "$FAKES/pods/$name"; exit 0 ;; esac
      mkdir -p "$FAKES/secrets"
      [ ! -e "$FAKES/secrets/$name" ] || exit 1
      echo "$text" > "$FAKES/secrets/$name"
    else
      sed -n 's/^        - "\(.*\)"$/\1/p' "$FAKES/pods/$4" | while read -r door; do
        open=false
        case "$4 $door" in
          *-stage\ minio-service:9000 | *-stage\ ml-pipeline:8887 | *-stage\ metadata-grpc-service:8080) open=true ;;
          *"may GET "*gansweep-storage) open=true ;;
        esac
        ! grep -qsF "$door" "$FAKES/opened" || open=true
        echo "{\"door\": \"$door\", \"open\": $open}"
      done
    fi ;;
  "apply "*/kfp/cluster*)
    echo namespace/kubeflow
    echo customresourcedefinition.apiextensions.k8s.io/workflows.argoproj.io ;;
  "get statefulsets "*) echo statefulset.apps/minio ;;
  "get jobs "*) echo job.batch/minio-setup ;;
  "get deployments "*) printf 'deployment.apps/%s\n' ml-pipeline mysql ;;
  "rollout status "*) ! grep -qs "$3" "$FAKES/broken" ;;
  "get pods "*imageID*) cat "$FAKES/running" 2> /dev/null || true ;;
  "get pods "*)
    echo 'ml-pipeline-1 0/1 ImagePullBackOff 0 9m'
    echo 'mysql-1 1/1 Running 0 9m'
    echo 'minio-setup-1 0/1 Completed 0 9m' ;;
  "get events "*) echo '1m Warning Failed pod/ml-pipeline-1 Failed to pull image' ;;
  "logs deployment.apps/ml-pipeline "*) echo 'cannot reach mysql' ;;
  "get namespaces,"*"--output name") cat "$FAKES/ours" 2> /dev/null || true ;;
  "get persistentvolumes "*) cat "$FAKES/volumes" 2> /dev/null || true ;;
  "delete namespaces "*) rm -f "$FAKES/ours" ;;
  *"get nodes --selector gansweep/gpu=true --output name") echo node/test-worker2 ;;
esac
"""
KIND = r"""
case "$*" in
  "get clusters") cat "$FAKES/clusters" 2> /dev/null || true ;;
  "create cluster "*) echo "$4" > "$FAKES/clusters" ;;
esac
"""
DOCKER = r"""
case "$*" in
  "image inspect "*) ! grep -qs "$3" "$FAKES/unbuilt" ;;
esac
"""
GIT = r"""
case "$*" in
  "ls-remote https://github.com/kubeflow/pipelines refs/tags/"*)
    printf '%s\trefs/tags/x\n%s\trefs/tags/x^{}\n' 1111 "${COMMIT:-2222}" ;;
esac
"""
GANSWEEP = r"""
[ "$1" != upload ] || env | grep ^GANSWEEP_S3_ENDPOINT > "$FAKES/environment" || true
"""


def write_fakes(folder: Path) -> Path:
    """Write the stand-ins into a folder for PATH, and return it."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, answers in {"kubectl": KUBECTL, "kind": KIND, "docker": DOCKER, "git": GIT, "gansweep": GANSWEEP}.items():
        log = f'echo "{name} $*" >> "$FAKES/log"\n'
        (programs / name).write_text("#!/usr/bin/env bash\n" + log + answers)
        (programs / name).chmod(0o755)
    return programs
