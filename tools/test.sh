#!/bin/sh
# The tests: the model's beside the window's, which takes little more than half of the time.
# Arguments are passed to one pytest instead.
set -eu
cd "$(dirname "$0")/.."
py=.venv/bin/python

if [ $# -gt 0 ]; then
    exec "$py" -m pytest "$@"
fi

mkdir -p build
log=build/test-model.log
"$py" -m pytest tests/model >"$log" 2>&1 &
model=$!
trap 'kill "$model" 2>/dev/null || true' INT TERM
status=0
"$py" -m pytest tests --ignore tests/model || status=$?
echo "tests/model, which ran at the same time:"
wait "$model" || status=$?
cat "$log"
exit "$status"
