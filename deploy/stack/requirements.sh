#!/usr/bin/env bash
# Installs, on Debian, what the stack and the tests need and the machine lacks.
set -euo pipefail
missing=()
add() { command -v "$1" >/dev/null || missing+=("$2"); }
add java openjdk-17-jdk-headless
add javac openjdk-17-jdk-headless
add mvn maven
add unzip unzip
add curl curl
add redis-server redis-server
add redis-cli redis-tools
add kcat kcat
add wrk wrk
add shellcheck shellcheck
add setpriv util-linux
add promtool prometheus
add gcc gcc
add python3 python3
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
[ ${#missing[@]} -gt 0 ] || exit 0
echo "installing ${missing[*]}"
# No daemon may start by being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
