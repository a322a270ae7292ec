package service

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// plist returns the property list of a launchd agent or daemon. launchd restarts it after
// a failure, but not after 'aitunnel stop'.
func (u Unit) plist() string {
	escape := func(s string) string {
		var out strings.Builder
		_ = xml.EscapeText(&out, []byte(s)) // writing to a strings.Builder never fails
		return out.String()
	}
	var arguments, account strings.Builder
	for _, arg := range append([]string{u.Executable}, u.Arguments("darwin")...) {
		arguments.WriteString("\t\t<string>" + escape(arg) + "</string>\n")
	}
	if u.User != "" {
		account.WriteString("\t<key>UserName</key>\n\t<string>" + escape(u.User) + "</string>\n")
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
%s	<key>RunAtLoad</key>
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
`, formatLine, launchdName, arguments.String(), account.String(), int(u.stopTime().Seconds()))
}
