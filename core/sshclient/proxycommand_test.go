//go:build linux

package sshclient

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// byBash connects standard input and output to the host. Its quotes are for the shell.
const byBash = `bash -c 'exec 3<>"/dev/tcp/%h/%p"; cat <&3 & cat >&3; kill $!'`

// TestProxyCommand connects by commands that users have.
func TestProxyCommand(t *testing.T) {
	s, bastion := sshdtest.Start(t, sshdtest.Options{}), sshdtest.Start(t, sshdtest.Options{})
	key := filepath.Join(s.Home, ".ssh", "id_ed25519")
	bastion.Authorize("", s.Key.PublicKey())
	bySSH := "ssh -F none -i " + key + " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p " + bastion.Port + " -W %h:%p " + bastion.User + "@" + bastion.Host
	identity := "Host *\n IdentityFile " + key + "\n"
	vps := "Host vps\n HostName " + s.Host + "\n Port " + s.Port + "\n User " + s.User + "\n"
	for name, text := range map[string]string{
		"a shell script":             vps + " ProxyCommand " + byBash + "\n",
		"with an equals sign":        vps + " ProxyCommand=" + byBash + "\n",
		"ssh -W":                     vps + " ProxyCommand " + bySSH + "\n",
		"before a ProxyJump":         vps + " ProxyCommand " + byBash + "\n ProxyJump nowhere.invalid\n",
		"after ProxyJump none":       vps + " ProxyJump none\n ProxyCommand " + byBash + "\n",
		"none":                       vps + " ProxyCommand none\n",
		"of a jump host":             vps + " ProxyJump hop\nHost hop\n HostName " + bastion.Host + "\n Port " + bastion.Port + "\n User " + bastion.User + "\n ProxyCommand " + byBash + "\n",
		"that the jump host ignores": vps + " ProxyCommand false\nHost other\n HostName " + bastion.Host + "\n Port " + bastion.Port + "\n User " + bastion.User + "\n ProxyCommand " + byBash + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			withAndWithoutSSH(t, text+identity, func(t *testing.T, e Environment) {
				writeFile(t, filepath.Join(e.Home, ".ssh", "known_hosts"), knownHostsLine(s)+knownHostsLine(bastion))
				c := &config.Tunnel{Name: "vps", Host: "vps", Keepalive: tunnelTo(s).Keepalive}
				if name == "that the jump host ignores" {
					c.Jump = "other"
				}
				client := mustDial(t, e, c)
				if _, err := client.Run(t.Context(), "true"); err != nil {
					t.Error(err)
				}
				command, isCommand := client.wire.Conn.(*commandConn)
				client.Close()
				if want := name != "none"; isCommand != want {
					t.Fatalf("a command makes the connection: %t", isCommand)
				}
				if isCommand && command.command.ProcessState == nil {
					t.Error("the command runs after the connection is closed")
				}
			})
		})
	}
}

// TestProxyCommandThatFails gives the reason that the command gives, without its arguments.
func TestProxyCommandThatFails(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	for command, want := range map[string]string{
		"no-such-program --password a-secret":                              "not found",
		"sh -c 'echo first >&2; echo no route to %h >&2; exit 3' a-secret": `"no route to ` + s.Host + `" (exit status 3)`,
		"true a-secret":               "it ended without an error",
		"sh -c 'kill -9 $$' a-secret": "signal: killed",
		"echo HTTP/1.1 407 Proxy Authentication Required a-secret": "ProxyCommand echo in ssh_config",
		"sleep 60 # a-secret": "(through the ProxyCommand sleep in ssh_config)",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			writeFile(t, filepath.Join(home, ".ssh", "config"), "ProxyCommand "+command+"\n")
			writeFile(t, filepath.Join(home, ".ssh", "known_hosts"), knownHostsLine(s))
			writeFile(t, filepath.Join(home, ".ssh", "id_ed25519"), string(readFile(t, filepath.Join(s.Home, ".ssh", "id_ed25519"))))
			e, c := Environment{Home: home}, tunnelTo(s)
			mustFail(t, e, c, false, want, "ProxyCommand")
			if _, err := dial(t, e, c); err != nil && strings.Contains(err.Error(), "a-secret") {
				t.Errorf("the error has the arguments of the command: %v", err)
			}
		})
	}
	e := Environment{Home: t.TempDir()}
	writeFile(t, filepath.Join(e.Home, ".ssh", "config"), "ProxyUseFdpass yes\nProxyCommand nc -F %h %p\n")
	mustFail(t, e, tunnelTo(s), true, "ProxyUseFdpass")
}

// TestProxyCommandThatEnds shows that the connection ends with it.
func TestProxyCommandThatEnds(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	writeFile(t, filepath.Join(s.Home, ".ssh", "config"), "ProxyCommand "+byBash+"\n")
	client := mustDial(t, envOf(s), tunnelTo(s))
	process := client.wire.Conn.(*commandConn).command.Process
	if err := syscall.Kill(-process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-client.Done()
	if client.Err() == nil {
		t.Error("the connection has no reason for its end")
	}
}
