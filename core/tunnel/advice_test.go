package tunnel

import (
	"strings"
	"testing"
)

// TestAdviceByServer shows that the advice for dropbear names no sshd_config.
func TestAdviceByServer(t *testing.T) {
	for server, words := range map[string][3]string{
		openSSH:  {"PermitListen", "GatewayPorts no", "GatewayPorts clientspecified"},
		dropbear: {"with -k", "without -a", "with -a"},
		"other":  {"its configuration", "GatewayPorts no", "GatewayPorts clientspecified"},
	} {
		for i, text := range []string{forbidden(server), gateway(server, false), gateway(server, true)} {
			if !strings.Contains(text, words[i]) || server == dropbear && strings.Contains(text, "sshd_config") {
				t.Errorf("%s: %q", server, text)
			}
		}
	}
}
