#!/usr/bin/env bash
# Makes sure Chromium is there for the browser tests. It installs Debian's package when it may, and
# otherwise says how to get it: those tests are then skipped by name. It never fails the run.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Chromium is missing; installing it for the browser tests"
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1; then
    exit 0
  fi
  echo "Chromium could not be installed; the browser tests will be skipped"
else
  echo "Chromium is missing; the browser tests will be skipped. To run them: apt-get install chromium"
fi
