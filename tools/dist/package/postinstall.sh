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
  # The file gets new tokens, so it is not part of the package.
  (cd / && umask 077 && /usr/bin/aitunnel init --config "$config" >/dev/null)
  chown aitunnel:aitunnel "$config"
  cat <<END
The configuration is $config, for the account aitunnel. Put the address of
your site and your key into it, then start the service:
  sudo systemctl enable --now aitunnel
END
fi

if [ -e /etc/systemd/system/aitunnel.service ]; then
  echo "The service that 'aitunnel service install' installed is kept (/etc/systemd/system/aitunnel.service)."
  echo "To use the service of this package instead: sudo aitunnel service uninstall && sudo systemctl enable --now aitunnel"
fi
# upgrade replaces the running service without a pause: a new process takes over its
# ports, and the old one finishes its requests. If the program refuses that, for example
# because the configuration is not valid, it keeps running. If it does not answer, it is
# stopped and started. A service that is stopped is not started.
upgrade() {
  if ! systemctl -q is-active aitunnel.service || ! message=$(service_command restart 2>&1); then
    if service_command status >/dev/null 2>&1; then
      echo "The running aitunnel was not replaced; the earlier version keeps running:"
      echo "$message"
      echo "After fixing that, run: sudo aitunnel restart"
    else
      systemctl try-restart aitunnel.service || true
    fi
  fi
}

# service_command runs a command on the service, not on a program that root runs.
service_command() {
  env -i PATH="$PATH" HOME=/var/lib/aitunnel timeout 150 /usr/bin/aitunnel "$@"
}

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if systemctl show -p ExecStart aitunnel.service | grep -q 'path=/usr/bin/aitunnel '; then
    upgrade
  fi
fi
