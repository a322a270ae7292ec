package tunnel

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/kevinburke/ssh_config"

	"github.com/aitunnel/aitunnel/core/config"
)

// target is one SSH server on the way, with all that is needed to log in there.
type target struct {
	host, port string
	user       string
	hostKeys   hostKeys
	creds      credentials
}

func (t target) address() string { return net.JoinHostPort(t.host, t.port) }

// here is what this machine and its user give.
type here struct {
	home  string
	agent string // socket of the SSH agent, "" if there is none
}

// systemSSH is where the system's SSH client has its files.
const systemSSH = "/etc/ssh"

// route finds the way to a tunnel's host: jump hosts first, the host last.
func (h here) route(c *config.Tunnel) ([]target, error) {
	rules, err := h.rules()
	if err != nil {
		return nil, err
	}
	alias, port := splitHost(c.Host)
	last, err := h.target(rules, alias, port, c.User)
	if err != nil {
		return nil, err
	}
	last.hostKeys.pin = c.HostKey
	if c.KnownHosts != "" {
		last.hostKeys.files = []string{h.expand(c.KnownHosts)}
	}
	jump := c.Jump
	if jump == "" {
		jump = rules.get(alias, "ProxyJump")
	}
	if command := rules.get(alias, "ProxyCommand"); command != "" && command != "none" && jump == "" {
		return nil, failedAt(StepFind, "~/.ssh/config reaches %q by a ProxyCommand, which cannot be used here: set jump = \"user@host\" in the tunnel, or ProxyJump there", alias).lasts()
	}
	var way []target
	if jump != "" && jump != "none" {
		for hop := range strings.SplitSeq(jump, ",") {
			who, where, named := strings.Cut(strings.TrimSpace(hop), "@")
			if !named {
				who, where = "", who
			}
			host, port := splitHost(where)
			t, err := h.target(rules, host, port, who)
			if err != nil {
				return nil, err
			}
			if c.KnownHosts != "" {
				t.hostKeys.files = last.hostKeys.files
			}
			way = append(way, t)
		}
	}
	way = append(way, last)
	for i := range way {
		way[i].hostKeys.tunnel = c.Name
		if c.Identity != "" {
			way[i].creds.files, way[i].creds.only = []string{h.expand(c.Identity)}, true
		}
		way[i].creds.passphrase, way[i].creds.password = c.Passphrase, c.Password
	}
	return way, nil
}

// target is the server that an alias stands for.
func (h here) target(rules *sshRules, alias, port, name string) (target, error) {
	t := target{host: alias, port: port, user: name}
	if real := rules.get(alias, "HostName"); real != "" {
		t.host = strings.NewReplacer("%h", alias, "%%", "%").Replace(real)
	}
	t.port = cmp.Or(t.port, rules.get(alias, "Port"), "22")
	if t.user = cmp.Or(t.user, rules.get(alias, "User")); t.user == "" {
		self, err := user.Current()
		if err != nil {
			return t, failedAt(StepFind, "it is not known whom to log in as on %s: set user in the tunnel", alias).lasts()
		}
		t.user = self.Username[strings.LastIndexByte(self.Username, '\\')+1:] // Windows puts the domain before it
	}
	fill := strings.NewReplacer("%%", "%", "%d", h.home, "%h", t.host, "%n", alias, "%p", t.port, "%r", t.user)
	t.creds = credentials{home: h.home, agent: h.agent, only: rules.get(alias, "IdentitiesOnly") == "yes"}
	switch socket := rules.get(alias, "IdentityAgent"); socket {
	case "", "SSH_AUTH_SOCK":
	case "none":
		t.creds.agent = ""
	default:
		t.creds.agent = h.expand(fill.Replace(socket))
	}
	for _, file := range rules.all(alias, "IdentityFile") {
		t.creds.files = append(t.creds.files, h.expand(fill.Replace(file)))
	}
	t.hostKeys = hostKeys{address: t.address(), files: []string{filepath.Join(h.home, ".ssh", "known_hosts")}}
	if files := rules.get(alias, "UserKnownHostsFile"); files != "" {
		t.hostKeys.files = nil
		for file := range strings.FieldsSeq(files) {
			t.hostKeys.files = append(t.hostKeys.files, h.expand(fill.Replace(file)))
		}
	}
	t.hostKeys.system = filepath.Join(systemSSH, "ssh_known_hosts")
	if name := rules.get(alias, "HostKeyAlias"); name != "" {
		t.hostKeys.address = net.JoinHostPort(name, "22")
	}
	return t, nil
}

// expand replaces a ~ by the home directory.
func (h here) expand(path string) string {
	if path == "~" {
		return h.home
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(h.home, filepath.FromSlash(rest))
	}
	return path
}

// splitHost takes the port off, if there is one.
func splitHost(s string) (host, port string) {
	if host, port, err := net.SplitHostPort(s); err == nil {
		return host, port
	}
	return strings.Trim(s, "[]"), ""
}

// sshRules are the files that ssh itself is configured by, the user's first.
type sshRules struct{ files []*ssh_config.Config }

func (h here) ruleFiles() []string {
	return []string{filepath.Join(h.home, ".ssh", "config"), filepath.Join(systemSSH, "ssh_config")}
}

func (h here) rules() (*sshRules, error) {
	out := &sshRules{}
	for _, path := range h.ruleFiles() {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var parsed *ssh_config.Config
		if err == nil {
			parsed, err = ssh_config.DecodeBytes(content)
		}
		if err != nil {
			return nil, failedAt(StepFind, "%s cannot be used: %s", path, strings.TrimPrefix(fmt.Sprint(err), "ssh_config: ")).lasts()
		}
		out.files = append(out.files, parsed)
	}
	return out, nil
}

// get is the first value, "" if there is none.
func (r *sshRules) get(alias, key string) string {
	for _, f := range r.files {
		if v, err := f.Get(alias, key); err == nil && v != "" {
			return v
		}
	}
	return ""
}

func (r *sshRules) all(alias, key string) (values []string) {
	for _, f := range r.files {
		if v, err := f.GetAll(alias, key); err == nil {
			values = append(values, v...)
		}
	}
	return values
}
