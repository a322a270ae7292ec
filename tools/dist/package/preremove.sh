#!/bin/sh
# Before removing, for dpkg ("remove") and rpm (0). An upgrade leaves the
# service to the script of the new version.
set -e
case "$1" in
remove | 0)
  if [ -d /run/systemd/system ] && [ ! -e /etc/systemd/system/aitunnel.service ]; then
    systemctl disable --now aitunnel.service || true
  fi
  ;;
esac
