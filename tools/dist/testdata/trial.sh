# Runs as root in a system of its own, whose first process is systemd: see
# package_test.go. The account of a package that was purged stays, as do its files
# elsewhere; here it is removed, and its group stays.
exec 2>&1
failed=0
check() { # WHAT COMMAND...: the command succeeds
  what=$1; shift
  if "$@" >/tmp/said; then echo "ok: $what"; else echo "FAILED: $what: $*"; cat /tmp/said; failed=1; fi
}
not() { ! "$@"; }
says() { "${@:2}" 2>&1 | tee /tmp/says | grep -q -- "$1" || { cat /tmp/says; false; }; }
mode() { [ "$(stat -c '%a %U' "$2")" = "$1" ] || { stat -c '%a %U' "$2"; false; }; }
config=/etc/aitunnel/aitunnel.hcl
ip link set lo up
useradd --create-home member
useradd --create-home stranger

echo "-- the package"
check "it installs" dpkg -i /aitunnel.deb
check "its configuration directory belongs to the account" mode "750 aitunnel" /etc/aitunnel
check "only the account can read its configuration" mode "600 aitunnel" $config
check "only the account can read its state" mode "700 aitunnel" /var/lib/aitunnel
check "man pages" test -s /usr/share/man/man1/aitunnel-start.1.gz
check "completions" test -s /usr/share/bash-completion/completions/aitunnel
check "systemd understands the unit" not says . systemd-analyze verify --man=no aitunnel.service
check "service install leaves it alone" says 'belongs to the package' aitunnel service install -c $config
check "so does service uninstall" says 'belongs to the package' aitunnel service uninstall
check "service status names it" says 'belongs to the package' aitunnel service status

echo "-- the service"
check "it starts" systemctl enable --now aitunnel
check "root's commands find it" says '^aitunnel 9.9.9 is running' aitunnel status
usermod -aG aitunnel member
check "commands of a member of its group find it" says '^aitunnel 9.9.9 is running' runuser -u member -- aitunnel status
check "other accounts may not use them" says 'from the group of its account' runuser -u stranger -- aitunnel status
check "other accounts cannot read the configuration" not runuser -u stranger -- cat $config
check "a channel is added" runuser -u member -- aitunnel channel add spare https://spare-api.example --auth none
check "the file has it" grep -q '^channel "spare"' $config
check "it still belongs to the account" mode "600 aitunnel" $config
check "a key is added" sh -c 'echo sk-test-0000000000000001 | aitunnel key add primary --label second'
check "a channel is paused" aitunnel channel pause spare
check "a channel is removed" aitunnel channel remove spare --yes
check "the configuration of the API is applied" sh -c '
  curl -sSf --unix-socket /run/aitunnel/control.sock http://aitunnel/api/config -o /tmp/config.json &&
  curl -sSf --unix-socket /run/aitunnel/control.sock -H "Content-Type: application/json" http://aitunnel/api/config/reload -d "{}"'
check "systemctl reload" systemctl reload aitunnel
echo 'channel {' >> $config
check "systemctl reload of a broken configuration fails" not systemctl reload aitunnel
sed -i '$d' $config
check "and works again once it is repaired" systemctl reload aitunnel
check "the log directory can be written" runuser -u member -- sh -c 'cd / && aitunnel status >/dev/null' && sed -i '$a log { file = "/var/log/aitunnel/aitunnel.log" }' $config
check "by the setting log.file" systemctl reload aitunnel
check "which creates the file" test -e /var/log/aitunnel/aitunnel.log
before=$(systemctl show -P MainPID aitunnel)
check "a restart" aitunnel restart
check "after the restart, it is active" systemctl is-active aitunnel
after=$(systemctl show -P MainPID aitunnel)
check "it is another process" test "$after" -gt 0 -a "$after" != "$before"
for _ in $(seq 300); do [ -e "/proc/$before" ] || break; sleep 0.1; done
check "the former process has ended" not test -e "/proc/$before"
check "the journal reports no failure" not sh -c 'journalctl -u aitunnel | grep -i "failed with\|killing process"'
check "another restart" aitunnel restart
check "after that, it is active" systemctl is-active aitunnel
systemctl stop aitunnel
check "a stop after that succeeds" test "$(systemctl show -P Result aitunnel)" = success
check "the journal reports no failure of the new process" not sh -c 'journalctl -u aitunnel | grep -i "failed with\|killing process\|not our child"'
systemctl start aitunnel
killed=$(systemctl show -P MainPID aitunnel)
check "a kill" kill -9 "$killed"
for _ in $(seq 600); do systemctl -q is-active aitunnel && [ "$(systemctl show -P MainPID aitunnel)" != "$killed" ] && break; sleep 0.1; done
check "from which systemd restarts it" systemctl is-active aitunnel
check "it cannot write elsewhere" not nsenter -t "$(systemctl show -P MainPID aitunnel)" -m touch /usr/x

systemctl stop aitunnel
check "the commands name a service that is stopped" says 'sudo systemctl start aitunnel' aitunnel status
check "and it starts again" systemctl start aitunnel
mkdir /etc/systemd/system/aitunnel.service.d
printf '[Service]\nUser=member\n' > /etc/systemd/system/aitunnel.service.d/override.conf
systemctl daemon-reload; chown -R member: /etc/aitunnel
check "it runs as another account, set with systemctl edit" systemctl restart aitunnel
check "root's commands run as that account" says '^/etc/aitunnel/aitunnel.hcl is valid' aitunnel validate
check "the state belongs to that account" mode "700 member" /var/lib/aitunnel
rm -r /etc/systemd/system/aitunnel.service.d
systemctl daemon-reload; chown -R aitunnel: /etc/aitunnel
check "it runs as the former account again" systemctl restart aitunnel

echo "-- upgrade and removal"
# A site whose streams go on until there is a file /enough, or for five minutes. Its list of
# models is answered at once.
cat > /site.sh <<'END'
read -r method _
while IFS= read -r line && line=${line%$'\r'} && [ -n "$line" ]; do
  case ${line,,} in content-length:*) length=${line#*: } ;; esac
done
head -c "${length:-0}" >/dev/null
if [ "$method" = GET ]; then
  printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"object":"list","data":[{"id":"m","object":"model"}]}'
  exit
fi
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n'
for i in $(seq 600); do
  [ ! -e /enough ] || break
  printf 'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"part %s "}}]}\n\n' "$i"; sleep 0.5
done
printf 'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
END
printf '[Socket]\nListenStream=127.0.0.1:8088\nAccept=yes\n' > /etc/systemd/system/site.socket
printf '[Service]\nExecStart=/bin/bash /site.sh\nStandardInput=socket\nStandardError=journal\n' > /etc/systemd/system/site@.service
systemctl daemon-reload; systemctl start site.socket
check "a channel of that site" aitunnel channel add slow http://127.0.0.1:8088 --auth none
check "it is preferred" aitunnel channel prefer slow
token=$(sed -n 's/.*client_tokens = \["\(.*\)"\].*/\1/p' $config)
proxy() { curl -sS -m 300 -H "Authorization: Bearer $token" "http://127.0.0.1:9000$1" "${@:2}"; }
stream() { proxy /v1/chat/completions -N -d '{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'; }
poll() { while :; do proxy /v1/models -o /dev/null -w '%{http_code}\n' || echo refused; sleep 0.1; done >/tmp/polls 2>&1; }
# An earlier version is put in its place, and upgraded, each under two streams, which may
# take as long as a slow machine needs to install a package.
sed -i '$a drain = "5m"' $config
check "a longer drain" aitunnel reload
upgrade() { # PACKAGE VERSION
  rm -f /enough
  stream >/tmp/stream1 2>&1 & first=$!
  stream >/tmp/stream2 2>&1 & second=$!
  poll & polling=$!
  for _ in $(seq 100); do grep -q 'part 2' /tmp/stream1 && grep -q 'part 2' /tmp/stream2 && break; sleep 0.1; done
  check "two streams" grep -q 'part 2' /tmp/stream1 /tmp/stream2
  before=$(systemctl show -P MainPID aitunnel)
  check "$1 is installed" dpkg -i "$1"
  check "without waiting for them" not grep -q DONE /tmp/stream1 /tmp/stream2
  check "the service is restarted" test "$(systemctl show -P MainPID aitunnel)" != "$before"
  check "and is active" systemctl is-active aitunnel
  check "as version $2" says "^aitunnel $2 is running" aitunnel status
  check "its program is the one in the package" cmp "/proc/$(systemctl show -P MainPID aitunnel)/exe" /usr/bin/aitunnel
  check "the channel is still preferred" says '^slow (preferred)' aitunnel channel list
  touch /enough
  wait $first $second
  check "one stream is complete" grep -q DONE /tmp/stream1
  check "the other stream is complete" grep -q DONE /tmp/stream2
  kill $polling
  check "other requests were sent meanwhile" says . grep '[0-9]' /tmp/polls
  check "and none was refused" not grep -v '^200$' /tmp/polls
}
upgrade /earlier.deb 9.9.8
upgrade /aitunnel.deb 9.9.9
sed -i '/^drain = /d' $config
check "the drain as before" aitunnel reload
echo 'channel {' >> $config
before=$(systemctl show -P MainPID aitunnel)
check "an upgrade with a broken configuration says so" says 'the earlier version keeps running' dpkg -i /aitunnel.deb
check "the same process keeps running" test "$(systemctl show -P MainPID aitunnel)" = "$before"
sed -i '$d' $config
rm /run/aitunnel/control.sock
check "an upgrade of a service that does not answer" dpkg -i /aitunnel.deb
check "restarts it by systemd" test "$(systemctl show -P MainPID aitunnel)" != "$before"
check "and it answers" says '^aitunnel 9.9.9 is running' aitunnel status
systemctl stop aitunnel
check "an upgrade of a service that is stopped" dpkg -i /aitunnel.deb
check "does not start it" not systemctl is-active aitunnel
systemctl start aitunnel
check "it keeps the configuration" grep -q second $config
check "it is removed" dpkg -r aitunnel
check "it is stopped" not systemctl is-active aitunnel
check "the program is gone" not test -e /usr/bin/aitunnel
check "the configuration stays" test -s $config
check "the state stays" test -s /var/lib/aitunnel/state.json
check "it is installed again" dpkg -i /aitunnel.deb
check "with the configuration that was there" grep -q second $config
check "a backup" tar -C / -czf /backup.tgz etc/aitunnel var/lib/aitunnel
check "a purge says what it removes" says '/var/lib/aitunnel (the history and the SSH key' dpkg -P aitunnel
check "removes the configuration" not test -e /etc/aitunnel
check "and the state" not test -e /var/lib/aitunnel
check "and the logs" not test -e /var/log/aitunnel
check "a move to another machine" sh -c 'dpkg -i /aitunnel.deb && tar -C / -xzf /backup.tgz && chown -R aitunnel: /etc/aitunnel /var/lib/aitunnel'
check "starts" systemctl enable --now aitunnel
check "the configuration is that of the former machine" sh -c 'aitunnel key list | grep -q second'
check "a purge of a service that runs" dpkg -P aitunnel

echo "-- without a package"
userdel aitunnel
install -m 0755 /aitunnel /usr/local/bin/
hash -r
mkdir /srv/conf && (cd /srv/conf && umask 077 && aitunnel init >/dev/null)
check "an account that cannot read the configuration" says 'may not read /srv/conf/aitunnel.hcl' aitunnel service install -c /srv/conf/aitunnel.hcl
chown -R aitunnel: /srv/conf
check "service install" aitunnel service install -c /srv/conf/aitunnel.hcl
check "it runs with its account" sh -c '[ "$(systemctl show -P User aitunnel)" = aitunnel ]'
check "commands find it" says '^aitunnel 9.9.9 is running' aitunnel status
check "and can change the configuration" aitunnel channel add spare https://spare-api.example --auth none
check "a second service install says how to update" says 'service install --update' aitunnel service install -c /srv/conf/aitunnel.hcl
check "the package is installed beside it" dpkg -i /aitunnel.deb
check "does not stop it" says '/srv/conf/aitunnel.hcl' aitunnel status
check "and is removed" dpkg -r aitunnel
check "without stopping it" says '/srv/conf/aitunnel.hcl' aitunnel status
sed -i -e '/^User=/d' -e 's/format [0-9]*/format 3/' -e 's#--state-dir /var/lib/aitunnel#--state-dir /root/state#' /etc/systemd/system/aitunnel.service
check "a unit of a former version is named" says 'another version' aitunnel service status
check "and updated" sh -c 'cd / && aitunnel service install --update'
check "with its configuration" grep -q -- "--config /srv/conf/aitunnel.hcl" /etc/systemd/system/aitunnel.service
check "it has the same account" sh -c '[ -z "$(systemctl show -P User aitunnel)" ]'
check "and the state" grep -q -- '--state-dir /root/state' /etc/systemd/system/aitunnel.service
check "service uninstall" aitunnel service uninstall
check "leaves the configuration" test -s /srv/conf/aitunnel.hcl
check "and no unit" not test -e /etc/systemd/system/aitunnel.service

echo "-- what systemd does"
pid() { systemctl show -P MainPID aitunnel; }
another() { for _ in $(seq 300); do p=$(pid); [ "$p" != 0 -a "$p" != "$1" ] && systemctl -q is-active aitunnel && return; sleep 0.1; done; return 1; }
ended() { for _ in $(seq 300); do [ -e "/proc/$1" ] || return 0; sleep 0.1; done; return 1; }
mkdir -p '/opt/my $tools %h' && install -m 0755 /aitunnel '/opt/my $tools %h/aitunnel'
check "an executable with special characters in its path is installed" '/opt/my $tools %h/aitunnel' service install -c /srv/conf/aitunnel.hcl
check "and runs" sh -c '[ "$(readlink /proc/$(systemctl show -P MainPID aitunnel)/exe)" = "/opt/my \$tools %h/aitunnel" ]'
check "and reloads" systemctl reload aitunnel
mkdir /etc/systemd/system/aitunnel.service.d
printf '[Service]\nWatchdogSec=3\nRestartSec=1\n' > /etc/systemd/system/aitunnel.service.d/test.conf
systemctl daemon-reload; systemctl restart aitunnel
sleep 5
check "the watchdog is notified" test "$(systemctl show -P NRestarts aitunnel)" = 0
before=$(pid); aitunnel restart >/dev/null; after=$(pid)
check "a restart under the watchdog" ended "$before"
sleep 5
check "the new process notifies the watchdog" test "$(systemctl show -P NRestarts aitunnel) $(pid)" = "0 $after"
kill -STOP "$after"
check "a process that hangs is replaced" another "$after"
rm -r /etc/systemd/system/aitunnel.service.d
sed -i -e 's/format [0-9]*/format 3/' -e '/^NotifyAccess=/d' -e 's/^TimeoutStopSec=.*/TimeoutStopSec=630/' -e 's/^ExecReload=.*/ExecReload=\/bin\/kill -HUP $MAINPID/' /etc/systemd/system/aitunnel.service
systemctl daemon-reload; systemctl restart aitunnel
check "a unit of a former version is named" says 'another version' aitunnel service status
before=$(pid); check "a restart under it" aitunnel restart; after=$(pid)
check "it ends the former process" ended "$before"
check "and leaves the new one to systemd" sh -c "systemctl -q is-active aitunnel && [ $after != $before ] && [ -e /proc/$after ]"
check "a reload under it" systemctl reload aitunnel
check "it is updated" aitunnel service install -c /srv/conf/aitunnel.hcl --update
sed -i 's/127.0.0.1:9000/127.0.0.1:80/' /srv/conf/aitunnel.hcl
printf '[Socket]\nListenStream=127.0.0.1:80\n[Install]\nWantedBy=sockets.target\n' > /etc/systemd/system/aitunnel.socket
systemctl stop aitunnel; systemctl daemon-reload
check "a socket unit" systemctl start aitunnel.socket
asks() { [ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' http://127.0.0.1:80/v1/models)" = 401 ]; }
check "whose first caller starts the service, which may not bind that port" asks
before=$(pid); check "a restart with that socket" aitunnel restart
check "by another process" test "$(pid)" != "$before"
check "serves it" asks
systemctl stop aitunnel.socket aitunnel; rm /etc/systemd/system/aitunnel.socket; systemctl daemon-reload
sed -i 's/127.0.0.1:80/127.0.0.1:9000/' /srv/conf/aitunnel.hcl
check "root's commands use the configuration of the service" says '^/srv/conf/aitunnel.hcl is valid' aitunnel validate
chmod 0640 /srv/conf/aitunnel.hcl; chown root: /srv/conf/aitunnel.hcl
check "with its account" not aitunnel validate
chown aitunnel: /srv/conf/aitunnel.hcl; chmod 0600 /srv/conf/aitunnel.hcl
sed -i '$a log { file = "/var/log/aitunnel/aitunnel.log" }' /srv/conf/aitunnel.hcl
systemctl start aitunnel; systemctl stop aitunnel
check "the log of a service that is stopped is shown" says 'plugin: stopped' sh -c 'aitunnel logs; true'
check "another account that cannot read the configuration" says 'may not read' aitunnel service install --update --user member
chown -R member: /srv/conf
check "another account" aitunnel service install --update --user member
check "runs it" says '^aitunnel 9.9.9 is running' aitunnel status
check "and has the log" mode "600 member" /var/log/aitunnel/aitunnel.log
check "and removed" aitunnel service uninstall
[ $failed = 0 ] && echo "all checks passed"
