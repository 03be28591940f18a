#!/bin/sh
# Before packaging: compiles the app for the Python that runs it in Azure, so that a cold start need not do it.
# Compiled files carry the hash of their source: one that does not fit is not used.
set -eu
cd "${1:-.}"
version=$(sed -n "s/^param pythonVersion string = '\(.*\)'$/\1/p" infra/main.bicep)
find __pycache__ shared -name '*.pyc' -delete 2>/dev/null || true
if command -v "python$version" >/dev/null; then
  "python$version" -m compileall -q --invalidation-mode checked-hash function_app.py shared
else
  echo "There is no python$version here: the app will compile itself at each cold start." >&2
fi
