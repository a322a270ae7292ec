#!/bin/sh
# After installing and upgrading, for dpkg ("configure") and rpm (the number of
# versions that are installed).
set -e

if ! getent passwd aitunnel >/dev/null; then
  if getent group aitunnel >/dev/null; then group="--gid aitunnel"; else group=--user-group; fi
  # shellcheck disable=SC2086
  useradd --system $group --home-dir /var/lib/aitunnel --no-create-home \
    --shell /usr/sbin/nologin --comment aitunnel aitunnel
fi
install -d -o aitunnel -g aitunnel -m 0700 /var/lib/aitunnel
if [ "$(stat -c %u /etc/aitunnel)" = 0 ]; then
  chown aitunnel:aitunnel /etc/aitunnel # edits by the panel and the commands are written there
fi

config=/etc/aitunnel/aitunnel.hcl
if [ ! -e "$config" ]; then
  # The tokens in it are new, so it is no file of the package.
  (cd / && umask 077 && /usr/bin/aitunnel init --config "$config" >/dev/null)
  chown aitunnel:aitunnel "$config"
  cat <<END
The configuration is $config, for the account aitunnel. Put the address of
your site and your key into it, then start the service:
  sudo systemctl enable --now aitunnel
END
fi

if [ -e /etc/systemd/system/aitunnel.service ]; then
  echo "The service of 'aitunnel service install' stays in use (/etc/systemd/system/aitunnel.service)."
  echo "To use that of this package: sudo aitunnel service uninstall && sudo systemctl enable --now aitunnel"
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart aitunnel.service || true
fi
