#!/usr/bin/env bash
# Prints a folder with gettext catalogues of a few Debian packages. They are
# downloaded once and unpacked, not installed.
set -euo pipefail
cache=${CATALOGUES:-$(cd "$(dirname "$0")/../.." && pwd)/.stack/catalogues}
if [ ! -e "$cache/whole" ]; then
  for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || { echo "$tool is needed" >&2; exit 1; }
  done
  rm -rf "$cache"
  mkdir -p "$cache"
  cd "$cache"
  apt-get -qq -o APT::Sandbox::User=root download iso-codes vlc-l10n libgtk-3-common libglib2.0-data >&2
  for package in *.deb; do dpkg-deb -x "$package" .; done
  rm -f -- *.deb
  touch whole
fi
echo "$cache/usr/share/locale"
