#!/bin/sh
# The buckets mlpipeline and gansweep, and for each a user who may use it and nothing else. Every step may be repeated.
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
  mc admin policy create local "$bucket" "/setup/$bucket.json"
  # Through stdin: arguments can be seen in the list of processes.
  { cat "/users/$bucket/access-key"; echo; cat "/users/$bucket/secret-key"; echo; } | mc admin user add local
  user=$(cat "/users/$bucket/access-key")
  if ! answer=$(mc admin policy attach local "$bucket" --user "$user" 2>&1); then
    case $answer in
      *"already in effect"*) ;;
      *) echo "$answer" >&2; exit 1 ;;
    esac
  fi
done

# Replaces the bucket's rules as a whole, so that none pile up.
mc ilm rule import local/gansweep < /setup/lifecycle.json
echo "MinIO is set up."
