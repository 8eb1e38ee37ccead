#!/bin/sh
# The tests in two halves side by side, each with a screen of its own: two windows on one screen
# would take the focus from each other. Arguments are passed to one pytest instead.
#   SCREEN  the command that gives a screen, made by the Makefile; empty where there is one
set -eu
cd "$(dirname "$0")/.."
py=.venv/bin/python
SCREEN=${SCREEN:-}

if [ $# -gt 0 ]; then
    eval "exec $SCREEN \"\$py\" -m pytest \"\$@\""
fi

# Where nothing is compiled for the next one, every process that a test starts compiles the project.
unset PYTHONDONTWRITEBYTECODE

mkdir -p build
log=build/test-second.log
second="tests/model tests/gui/widgets"
leave_out=""
for part in $second; do
    leave_out="$leave_out --ignore $part"
done
# Far apart: two that look for a free number at the same moment find the same one.
own=$(printf '%s' "$SCREEN" | sed 's/xvfb-run -a/xvfb-run -a -n 300/')
eval "$own \"\$py\" -m pytest $second" >"$log" 2>&1 &
other=$!
trap 'kill "$other" 2>/dev/null || true' INT TERM
status=0
eval "$SCREEN \"\$py\" -m pytest tests $leave_out" || status=$?
echo "$second, which ran at the same time:"
wait "$other" || status=$?
cat "$log"
exit "$status"
