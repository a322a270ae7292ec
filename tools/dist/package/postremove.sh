#!/bin/sh
# After removing. The configuration and the state are kept, unless the package is purged.
set -e
if [ "$1" = purge ]; then
  rm -rf /etc/aitunnel /var/lib/aitunnel /var/log/aitunnel
  echo "Removed: /etc/aitunnel, /var/lib/aitunnel (the history and the SSH key of the service) and /var/log/aitunnel."
  echo "The account aitunnel is kept. To remove it: sudo userdel aitunnel"
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
