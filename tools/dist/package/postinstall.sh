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
# upgrade has the running service replaced without a pause: a new process takes over
# its ports, and the old one finishes its requests. Where the program refuses that, as
# with a configuration that is not valid, it goes on as it is. If it does not answer,
# it is stopped and started. A service that does not run stays as it is.
upgrade() {
  if ! systemctl -q is-active aitunnel.service || ! message=$(service_command restart 2>&1); then
    if service_command status >/dev/null 2>&1; then
      echo "The running aitunnel was not replaced and goes on as the former version:"
      echo "$message"
      echo "Once that is corrected: sudo aitunnel restart"
    else
      systemctl try-restart aitunnel.service || true
    fi
  fi
}

# service_command runs a command about the service, not about a program of root's own.
service_command() {
  env -i PATH="$PATH" HOME=/var/lib/aitunnel timeout 150 /usr/bin/aitunnel "$@"
}

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if systemctl show -p ExecStart aitunnel.service | grep -q 'path=/usr/bin/aitunnel '; then
    upgrade
  fi
fi
