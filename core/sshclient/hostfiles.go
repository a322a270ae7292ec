package sshclient

import (
	"net"
	"os"
	"path/filepath"
	"strings"
)

// hostFiles are the files that ssh_config names for a host.
type hostFiles struct {
	settings hostSettings
	tokens   *strings.Replacer
	home     string
}

// path returns the path that a value stands for.
func (f hostFiles) path(value string) string {
	return expandHome(f.tokens.Replace(expandEnv(value)), f.home)
}

// paths returns the paths of a setting, and whether it is set: it may be set to none.
func (f hostFiles) paths(keyword string) (out []string, set bool) {
	for _, file := range f.settings[keyword] {
		if !strings.EqualFold(file, "none") && file != os.DevNull {
			out = append(out, f.path(file))
		}
	}
	return out, len(f.settings[keyword]) > 0
}

// credentials returns the keys, certificates and agent of the host. agent is the user's.
func (f hostFiles) credentials(agent string) credentials {
	c := credentials{home: f.home, agent: agent, only: f.settings.get("identitiesonly") == "yes"}
	switch socket := f.settings.get("identityagent"); {
	case socket == "" || socket == "SSH_AUTH_SOCK":
	case socket == "none":
		c.agent = ""
	case socket[0] == '$' && !strings.HasPrefix(socket, "${"):
		c.agent = os.Getenv(socket[1:])
	default:
		c.agent = f.path(socket)
	}
	c.files, c.chosen = f.paths("identityfile")
	c.certificates, _ = f.paths("certificatefile")
	return c
}

// hostKeys returns where to look for the keys of the host with the address.
func (f hostFiles) hostKeys(address string) hostKeys {
	k := hostKeys{address: address, hash: strings.EqualFold(f.settings.get("hashknownhosts"), "yes")}
	set := false
	if k.files, set = f.paths("userknownhostsfile"); !set {
		k.files = []string{filepath.Join(f.home, ".ssh", "known_hosts"), filepath.Join(f.home, ".ssh", "known_hosts2")}
	}
	if k.system, set = f.paths("globalknownhostsfile"); !set {
		k.system = []string{filepath.Join(systemSSH, "ssh_known_hosts"), filepath.Join(systemSSH, "ssh_known_hosts2")}
	}
	if revoked, _ := f.paths("revokedhostkeys"); len(revoked) > 0 {
		k.revoked = revoked[0]
	}
	if name := f.settings.get("hostkeyalias"); name != "" && name != "none" {
		k.address = net.JoinHostPort(name, "22")
		if host, port, err := net.SplitHostPort(name); err == nil && name[0] == '[' { // as known_hosts writes ports
			k.address = net.JoinHostPort(host, port)
		}
	}
	return k
}
