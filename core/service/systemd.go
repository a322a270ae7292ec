package service

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// systemd returns a unit. The proxy reports when it is ready, reloads and stops
// (sd_notify(3)). A reload is a command, because a signal could not report a failure.
// Any process of the service may report, since a restart replaces the main process.
func (u Unit) systemd() string {
	target, after, rights := "default.target", "", "NoNewPrivileges=yes\n"
	if u.System {
		target, after, rights = "multi-user.target", "Wants=network-online.target\nAfter=network-online.target\n", u.account()+u.hardening()
	}
	return fmt.Sprintf(`# %s
# Update it with 'aitunnel service install --update'.
[Unit]
Description=%s
Documentation=https://github.com/aitunnel/aitunnel
%s
[Service]
Type=notify
NotifyAccess=all
ExecStart=%s
ExecReload=%s
Restart=on-failure
RestartSec=5
TimeoutStartSec=%d
TimeoutStopSec=%d
WatchdogSec=%d
KillMode=mixed
UMask=0077
%s
[Install]
WantedBy=%s
`, formatLine, description, after, u.systemdCommand(u.Arguments("linux")), u.systemdCommand([]string{"reload", "--state-dir", u.StateDir}),
		int(startLimit.Seconds()), int(u.stopTime().Seconds()), int(watchdogLimit.Seconds()), rights, target)
}

// account returns the lines for the account, and for the directories that systemd
// creates for it. The group of the account may use the control socket.
func (u Unit) account() string {
	var out strings.Builder
	if u.User != "" {
		_, _ = fmt.Fprintf(&out, "User=%s\n", u.User)
	}
	_, _ = fmt.Fprintf(&out, "Environment=%s\n", quoteWord("HOME="+systemdSpecial.Replace(u.Home)))
	if u.StateDir == StateDir {
		out.WriteString("StateDirectory=aitunnel\nStateDirectoryMode=0700\n")
	}
	out.WriteString("RuntimeDirectory=aitunnel\nRuntimeDirectoryMode=0750\nLogsDirectory=aitunnel\nLogsDirectoryMode=0750\n")
	return out.String()
}

// hardening removes privileges that a proxy does not need. The service can write only to
// its configuration and state. Plugins run under the same rules, so executable memory is
// allowed, which interpreters need.
func (u Unit) hardening() string {
	writable := []string{quoteWord(systemdSpecial.Replace(u.configDir()))}
	if u.StateDir != StateDir {
		writable = append(writable, quoteWord(systemdSpecial.Replace(u.StateDir)))
	}
	home, capabilities := "yes", ""
	if u.inHome() {
		home = "read-only"
	}
	if u.User == "" { // root needs these to read files of others
		capabilities = "CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_NET_BIND_SERVICE"
	}
	return fmt.Sprintf(`ReadWritePaths=%s
ProtectSystem=strict
ProtectHome=%s
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
NoNewPrivileges=yes
CapabilityBoundingSet=%s
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallFilter=@chown
SystemCallErrorNumber=EPERM
`, strings.Join(writable, " "), home, capabilities)
}

// inHome reports whether the service may need files in home directories. As root it may:
// its configuration can name any file.
func (u Unit) inHome() bool {
	if u.User == "" {
		return true
	}
	for _, path := range []string{u.Config, u.StateDir, u.Home, u.Executable} {
		for _, top := range []string{"/home/", "/root/", "/run/user/"} {
			if strings.HasPrefix(filepath.Clean(path)+"/", top) {
				return true
			}
		}
	}
	return false
}

func (u Unit) systemdCommand(arguments []string) string {
	command := quoteWord(systemdSpecial.Replace(u.Executable)) // systemd expands no variables in the first word
	for _, arg := range arguments {
		command += " " + quoteWord(strings.ReplaceAll(systemdSpecial.Replace(arg), "$", "$$"))
	}
	return command
}

var systemdSpecial = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`)

// quoteWord quotes an argument for systemd.service(5).
func quoteWord(s string) string {
	if s == "" || strings.ContainsAny(s, " \t'\";\\") {
		return `"` + s + `"`
	}
	return s
}

var (
	unitUser   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^User=(\S+)$`) })
	unitHome   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^Environment=(?:"HOME=(.+)"|HOME=(\S+))$`) })
	unitConfig = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^ExecStart=.* --config (?:"(.+?)"|(\S+))(?: |$)`)
	})
	unitStateDir = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ExecStart=.* --state-dir (?:"(.+)"|(\S+))$`) })
)

// readUnit takes the account, and the paths of configuration and state, from an installed
// unit. What follows in drop-ins takes precedence.
func (u *Unit) readUnit(text string) {
	u.User = last(unitUser(), text)
	if u.User == "root" {
		u.User = ""
	}
	u.StateDir = cmp.Or(last(unitStateDir(), text), u.StateDir)
	u.Config = cmp.Or(last(unitConfig(), text), u.Config)
}

// homeOf returns the home directory that a unit sets, "" if it sets none.
func homeOf(text string) string { return last(unitHome(), text) }

// last returns what the groups of a pattern match in its last occurrence.
func last(pattern *regexp.Regexp, text string) string {
	found := pattern.FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		return ""
	}
	return unquoted.Replace(strings.Join(found[len(found)-1][1:], ""))
}

// unquoted decodes an argument of a unit.
var unquoted = strings.NewReplacer("%%", "%", "$$", "$", `\\`, `\`, `\"`, `"`)
