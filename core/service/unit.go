package service

import (
	"encoding/xml"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// Names of the service: of systemd and Windows, and of launchd, which expects
// one of another kind.
const (
	name        = "aitunnel"
	launchdName = "io.github.aitunnel"
	description = "A proxy for AI APIs that runs at home and serves your VPS"
)

// format is the version of the files below. Files with another are outdated.
const format = "3"

// formatLine is in every file, as a comment.
const formatLine = "aitunnel service file, format " + format

// How long a start and a stop may take before the manager ends the process, and
// how long the process may be silent.
const (
	startLimit    = 2 * time.Minute
	stopLimit     = 90 * time.Second
	watchdogLimit = time.Minute
)

// Unit is what the service runs.
type Unit struct {
	System     bool // of the whole system, not of one user
	Executable string
	Config     string
	StateDir   string
}

// Arguments are those of the program. systemd keeps what a service prints;
// elsewhere the proxy logs to its own file, as in the background.
func (u Unit) Arguments(goos string) []string {
	how := "--detached"
	if goos == "linux" {
		how = "--foreground"
	}
	return []string{"start", how, "--config", u.Config, "--state-dir", u.StateDir}
}

// Text is the file for the manager of an operating system; for Windows, which
// has none, the command line.
func (u Unit) Text(goos string) string {
	switch goos {
	case "darwin":
		return u.plist()
	case "windows":
		return strings.Join(append([]string{u.Executable}, u.Arguments(goos)...), " ") + "\n"
	}
	return u.systemd()
}

// systemd is a unit. The proxy reports when it is ready, reloads and stops
// (sd_notify(3)). A reload is a command, because only that can fail. Processes
// other than the first may report, as a restart replaces that.
func (u Unit) systemd() string {
	target, after := "default.target", ""
	if u.System {
		target, after = "multi-user.target", "Wants=network-online.target\nAfter=network-online.target\n"
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
NoNewPrivileges=yes

[Install]
WantedBy=%s
`, formatLine, description, after, u.systemdCommand(u.Arguments("linux")), u.systemdCommand([]string{"reload", "--state-dir", u.StateDir}),
		int(startLimit.Seconds()), int(stopLimit.Seconds()), int(watchdogLimit.Seconds()), target)
}

func (u Unit) systemdCommand(arguments []string) string {
	command := quoteWord(systemdSpecial.Replace(u.Executable)) // variables in the first word are left alone
	for _, arg := range arguments {
		command += " " + quoteWord(strings.ReplaceAll(systemdSpecial.Replace(arg), "$", "$$"))
	}
	return command
}

var systemdSpecial = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`)

// quoteWord quotes an argument as systemd.service(5) reads it.
func quoteWord(s string) string {
	if s == "" || strings.ContainsAny(s, " \t'\";\\") {
		return `"` + s + `"`
	}
	return s
}

// plist is an agent or a daemon of launchd. It is started again after a
// failure, not after 'aitunnel stop'.
func (u Unit) plist() string {
	var arguments strings.Builder
	for _, arg := range append([]string{u.Executable}, u.Arguments("darwin")...) {
		arguments.WriteString("\t\t<string>")
		_ = xml.EscapeText(&arguments, []byte(arg)) // a strings.Builder takes everything
		arguments.WriteString("</string>\n")
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- %s -->
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>%s</string>
	<key>ProgramArguments</key>
	<array>
%s	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>ThrottleInterval</key>
	<integer>5</integer>
	<key>ExitTimeOut</key>
	<integer>%d</integer>
	<key>Umask</key>
	<integer>63</integer>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
`, formatLine, launchdName, arguments.String(), int(stopLimit.Seconds()))
}

// current is the operating system that this program runs on.
const current = runtime.GOOS
