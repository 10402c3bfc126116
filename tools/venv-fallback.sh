#!/bin/sh
# Makes a virtual environment where `python3 -m venv` cannot: Debian keeps ensurepip in a package of its own.
# Usage: venv-fallback.sh PYTHON FOLDER
set -e
python=$1
folder=$2
rm -rf "$folder"
if "$python" -m virtualenv --version >/dev/null 2>&1; then
    exec "$python" -m virtualenv --quiet "$folder"
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing python3-venv (python3 -m venv needs it)" >&2
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    exec "$python" -m venv "$folder"
fi
echo "This Python cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
exit 1
