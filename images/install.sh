#!/bin/sh
# Installs the locked packages beside this file into /opt/gansweep, without what no stage needs at run time: pip, tests,
# compilers, headers. Compiled modules stay, for a read-only container would compile them anew at each start.
set -eu
cd "$(dirname "$0")"
python3 -m venv --without-pip /opt/gansweep
python3 -m pip --python /opt/gansweep/bin/python3 install --quiet --progress-bar off --root-user-action ignore \
  --no-cache-dir --no-deps --only-binary :all: --require-hashes -r kfp.txt -r requirements.txt || {
  if grep -q '+cpu' requirements.txt; then
    echo "PyTorch keeps its CPU wheels (+cpu) in an index of its own. If pip could not find one above:" >&2
    echo "make images PIP_EXTRA_INDEX_URL=(the address of that index), or VARIANT=cuda" >&2
  fi
  exit 1
}
find /opt/gansweep -depth -type d \( -name tests -o -name include -o -path '*/torch/test' \) -exec rm -rf {} +
find /opt/gansweep -type f \( -name '*.a' -o -name libclang.so -o -path '*/torch/bin/*' ! -name torch_shm_manager \) -delete
