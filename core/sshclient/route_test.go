package sshclient

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
)

const rules = `
Host vps
  HostName 203.0.113.%%s
  HostName 203.0.113.10
  Port 2200
  User me
  IdentityFile ~/.ssh/vps_%%r_%h
  UserKnownHostsFile ~/.ssh/vps_hosts /etc/other_hosts
  ProxyJump first@bastion:2022,second
  IdentitiesOnly yes
  HostKeyAlias the-vps
Host bastion
  User ignored
  HostName bastion.example
Host *.example
  User everyone
  IdentityAgent none
`

// shown is the part of a hop that a test compares.
type shown struct {
	Address, User, KnownAs string
	KnownHosts, Keys       []string
	Only                   bool
	Agent                  string
}

func TestRoute(t *testing.T) {
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.Replace(rules, "  HostName 203.0.113.%%s\n", "", 1), "%%r", "%r")
	if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	me := self.Username[strings.LastIndexByte(self.Username, '\\')+1:]
	ssh := func(name string) string { return filepath.Join(home, ".ssh", name) }
	usual := []string{ssh("known_hosts"), ssh("known_hosts2")}
	for name, c := range map[string]struct {
		tunnel config.Tunnel
		want   []shown
	}{
		"an address": {config.Tunnel{Host: "203.0.113.10"}, []shown{{"203.0.113.10:22", me, "203.0.113.10:22", usual, nil, false, "sock"}}},
		"an address with port, and a user": {
			config.Tunnel{Host: "[2001:db8::1]:2022", User: "root"},
			[]shown{{"[2001:db8::1]:2022", "root", "[2001:db8::1]:2022", usual, nil, false, "sock"}},
		},
		"an IPv6 address without port": {config.Tunnel{Host: "2001:db8::1", User: "root"}, []shown{{"[2001:db8::1]:22", "root", "[2001:db8::1]:22", usual, nil, false, "sock"}}},
		"an alias": {config.Tunnel{Host: "vps"}, []shown{
			{"bastion.example:2022", "first", "bastion.example:2022", usual, nil, false, "sock"},
			{"second:22", me, "second:22", usual, nil, false, "sock"},
			{"203.0.113.10:2200", "me", "the-vps:22", []string{ssh("vps_hosts"), "/etc/other_hosts"}, []string{ssh("vps_me_203.0.113.10")}, true, "sock"},
		}},
		"an alias, with all of it set in the tunnel": {
			config.Tunnel{Host: "vps:22", User: "root", Identity: "~/key", KnownHosts: "~/hosts", Jump: "x.example"}, []shown{
				{"x.example:22", "everyone", "x.example:22", []string{filepath.Join(home, "hosts")}, nil, false, ""},
				{"203.0.113.10:22", "root", "the-vps:22", []string{filepath.Join(home, "hosts")}, []string{filepath.Join(home, "key")}, true, "sock"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			way, err := Environment{Home: home, Agent: "sock"}.Resolve(t.Context(), &c.tunnel)
			if err != nil {
				t.Fatal(err)
			}
			var got []shown
			for _, w := range way.hops {
				got = append(got, shown{w.Address(), w.user, w.hostKeys.address, w.hostKeys.files, w.creds.files, w.creds.only, w.creds.agent})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
