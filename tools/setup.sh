#!/bin/sh
# Finds a Python that can run the project, then hands over to tools/setup.py, which does the rest.
# Knows how to look for Python; knows nothing of packages, the lock or what is run afterwards.
#
# usage: sh tools/setup.sh run|test
#   PYTHON=path  use this interpreter instead of looking for one
#   TORCH=label  install this build of torch: cpu, cu126, ... (a folder of download.pytorch.org/whl)
set -eu
cd "$(dirname "$0")/.."

# True if $1 starts and is new enough. A version manager's shim that fails to start is not a Python.
suits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if ! suits "$PYTHON"; then
        echo "setup: PYTHON=$PYTHON does not start, or is older than Python 3.11." >&2
        exit 1
    fi
    exec "$PYTHON" tools/setup.py "$@"
fi

for candidate in .venv/bin/python python3 python3.12 python3.11 python3.13 python3.14; do
    if suits "$candidate"; then
        exec "$candidate" tools/setup.py "$@"
    fi
done

install='apt-get update && apt-get install -y python3 python3-venv'
if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then
    echo "setup: no Python 3.11 or newer here; installing Debian's"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update >/dev/null || true
    apt-get install -y --no-install-recommends python3 python3-venv >/dev/null
    if suits /usr/bin/python3; then
        exec /usr/bin/python3 tools/setup.py "$@"
    fi
    echo "setup: this system's own Python is older than 3.11." >&2
elif [ -f /etc/debian_version ]; then
    echo "setup: no Python 3.11 or newer was found. Type this line, then try again:" >&2
    echo "  sudo sh -c '$install'" >&2
    exit 1
fi
echo "setup: install Python 3.11 or newer (python.org/downloads), or name one: make run PYTHON=PATH" >&2
exit 1
