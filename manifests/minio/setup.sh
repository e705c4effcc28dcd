#!/bin/sh
# The buckets mlpipeline and gansweep, and users who may use them and nothing else: Kubeflow the first, stages the second
# (data to read, checkpoints to write), people the second to bring data. Every step may be repeated.
# Runs in MinIO's image, which has no grep, sed or awk.
set -eu

attempt=0
until reason=$(mc ls local 2>&1); do
  attempt=$((attempt + 1))
  if [ "$attempt" -ge 60 ]; then
    echo "MinIO did not answer for two minutes: $reason" >&2
    exit 1
  fi
  sleep 2
done

for bucket in mlpipeline gansweep; do
  mc mb --ignore-existing "local/$bucket"
done

for user in mlpipeline gansweep gansweep-upload; do
  mc admin policy create local "$user" "/setup/$user.json"
  # Through stdin: arguments can be seen in the list of processes.
  { cat "/users/$user/access-key"; echo; cat "/users/$user/secret-key"; echo; } | mc admin user add local
  name=$(cat "/users/$user/access-key")
  if ! answer=$(mc admin policy attach local "$user" --user "$name" 2>&1); then
    case $answer in
      *"already in effect"*) ;;
      *) echo "$answer" >&2; exit 1 ;;
    esac
  fi
done

# What is written over can be brought back for 30 days; checkpoints are written over all the time.
mc version enable local/gansweep --excluded-prefixes checkpoints/
# Replaces the bucket's rules as a whole, so that none pile up.
mc ilm rule import local/gansweep < /setup/lifecycle.json
echo "MinIO is set up."
