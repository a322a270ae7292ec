#!/bin/sh
# After removing. The configuration and the state stay, unless they are purged.
set -e
if [ "$1" = purge ]; then
  rm -rf /etc/aitunnel /var/lib/aitunnel /var/log/aitunnel
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
