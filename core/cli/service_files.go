package cli

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// stopTime is how long a service manager waits for a stop: longer than requests in
// flight may take by default.
const stopTime = 90 * time.Second

// launchdName is a name of the kind that launchd expects.
const launchdName = "io.github.aitunnel"

// systemd is a unit. The proxy tells when it is ready (sd_notify(3)), and a stop
// gives requests under way the time that the proxy does.
func (u unit) systemd() string {
	target, after := "default.target", ""
	if u.system {
		target, after = "multi-user.target", "Wants=network-online.target\nAfter=network-online.target\n"
	}
	command := systemdWord(u.executable)
	for _, arg := range u.arguments {
		command += " " + systemdWord(arg)
	}
	return fmt.Sprintf(`[Unit]
Description=%s
Documentation=https://github.com/aitunnel/aitunnel
%s
[Service]
Type=notify
ExecStart=%s
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
TimeoutStartSec=%d
TimeoutStopSec=%d
KillMode=mixed
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=%s
`, serviceDescription, after, command, int(startTime.Seconds()), int(stopTime.Seconds()), target)
}

// systemdWord quotes an argument as systemd.service(5) reads it.
func systemdWord(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(s)
	if s == "" || strings.ContainsAny(s, " \t'\";\\") {
		return `"` + s + `"`
	}
	return s
}

// plist is an agent or a daemon of launchd: started again after a failure, not
// after 'aitunnel stop'.
func (u unit) plist() string {
	var arguments strings.Builder
	for _, arg := range append([]string{u.executable}, u.arguments...) {
		arguments.WriteString("\t\t<string>")
		_ = xml.EscapeText(&arguments, []byte(arg)) // a strings.Builder takes all
		arguments.WriteString("</string>\n")
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
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
`, launchdName, arguments.String(), int(stopTime.Seconds()))
}
