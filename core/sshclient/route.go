package sshclient

import (
	"cmp"
	"context"
	"crypto/sha1" //nolint:gosec // ssh names connections with it
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
)

// Hop is one SSH server of a route, with the settings for logging in to it.
type Hop struct {
	host, port string
	network    string // of its address: "tcp", "tcp4" or "tcp6"
	source     string // the address of this machine from which to connect, "" for any
	user       string
	hostKeys   hostKeys
	creds      credentials
	tokens     *strings.Replacer // of ssh_config

	proxyCommand string // makes the connection to the first hop, "" if the program does
}

// Address returns the address of the server, as host:port.
func (h Hop) Address() string { return net.JoinHostPort(h.host, h.port) }

// Name returns the host name or address of the server.
func (h Hop) Name() string { return h.host }

// User returns the user to log in as.
func (h Hop) User() string { return h.user }

// Environment has the SSH settings of this machine and its user.
type Environment struct {
	Home  string // of the user
	Agent string // socket of the SSH agent, "" if there is none
	SSH   string // the OpenSSH client, which evaluates ssh_config; "" if there is none
}

// LocalEnvironment returns the settings of this process.
func LocalEnvironment() Environment {
	home, _ := os.UserHomeDir()    // after an error there are no files to read
	ssh, _ := exec.LookPath("ssh") // without it, ssh_config is read here
	return Environment{Home: home, Agent: os.Getenv("SSH_AUTH_SOCK"), SSH: ssh}
}

// maxJumps is the maximum number of jump hosts.
const maxJumps = 8

// Route is the way to a tunnel's host.
type Route struct {
	hops    []Hop // jump hosts first, the host last
	source  string
	notes   []string
	files   []string
	partial bool
}

// IsPartial reports whether ssh did not evaluate ssh_config in time, so that another try may
// give a better route.
func (r *Route) IsPartial() bool { return r.partial }

// Host returns the last hop.
func (r *Route) Host() Hop { return r.hops[len(r.hops)-1] }

// ConfigFiles returns the files of ssh_config that the route depends on.
func (r *Route) ConfigFiles() []string { return r.files }

// DefaultConfigFiles returns the files of ssh_config that are read first.
func (e Environment) DefaultConfigFiles() []string {
	return []string{filepath.Join(e.Home, ".ssh", "config"), filepath.Join(systemSSH, "ssh_config")}
}

// LoginFiles returns the files of host keys and credentials.
func (r *Route) LoginFiles() (files []string) {
	for _, h := range r.hops {
		files = append(append(files, h.hostKeys.files...), h.creds.loginFiles()...)
	}
	return files
}

// AgentKeys returns the fingerprints of all keys in the agents of the route, to notice
// changes.
func (r *Route) AgentKeys() (all string) {
	for _, h := range r.hops {
		all += h.creds.agentKeys()
	}
	return all
}

// String describes the route, with what could not be evaluated.
func (r *Route) String() string {
	out := r.Host().Address() + ", user " + r.Host().user
	var jumps []string
	for _, h := range r.hops[:len(r.hops)-1] {
		jumps = append(jumps, h.user+"@"+h.Address())
	}
	if len(jumps) > 0 {
		out += ", through " + strings.Join(jumps, ", then ")
	}
	if command := r.hops[0].proxyCommand; command != "" {
		out += ", connected by the ProxyCommand " + commandName(command)
	}
	if r.source != "" {
		out += ", according to " + r.source
	}
	for _, n := range r.notes {
		out += "; " + n
	}
	return out
}

// resolver finds the route of one tunnel.
type resolver struct {
	env    Environment
	config sshConfig
}

// Resolve returns the route to a tunnel's host. It may run commands in ssh_config (Match
// exec).
func (e Environment) Resolve(ctx context.Context, c *config.Tunnel) (*Route, error) {
	r := &resolver{env: e, config: sshConfig{home: e.Home, program: e.SSH, off: c.SSHConfig != nil && !*c.SSHConfig}}
	hops, err := r.hops(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range hops {
		hops[i].hostKeys.tunnel = c.Name
		if c.KnownHosts != "" {
			hops[i].hostKeys.files = []string{expandHome(c.KnownHosts, e.Home)}
		}
		// The key of a jump host may have the same passphrase. A wrong one is not sent anywhere.
		hops[i].creds.passphrase = c.Passphrase
		hops[i].creds.jump = i < len(hops)-1
	}
	host := &hops[len(hops)-1]
	if c.Identity != "" {
		host.creds.files, host.creds.only = []string{expandHome(c.Identity, e.Home)}, true
	}
	host.creds.password = c.Password
	host.hostKeys.pin = c.HostKey
	return &Route{hops: hops, source: r.config.source, notes: r.config.notes, files: r.config.files, partial: r.config.late}, nil
}

func (r *resolver) hops(ctx context.Context, c *config.Tunnel) ([]Hop, error) {
	alias, port := splitHost(c.Host)
	last, settings, err := r.hop(ctx, alias, port, c.User)
	if err != nil {
		return nil, err
	}
	jump := c.Jump
	if jump == "" {
		jump = last.proxyJump(settings)
	}
	if jump == "" {
		if last.proxyCommand, err = last.expandProxyCommand(settings); err != nil {
			return nil, err
		}
	}
	jumps, err := r.jumps(ctx, jump, maxJumps)
	if err != nil {
		return nil, err
	}
	return append(jumps, last), nil
}

// proxyJump returns the jump hosts in the settings of a hop, "" if there are none.
func (h Hop) proxyJump(s hostSettings) string {
	if jump := s.get("proxyjump"); !strings.EqualFold(jump, "none") {
		return h.tokens.Replace(jump)
	}
	return ""
}

// jumps returns the hops of a list of jump hosts. The first one may have jump hosts
// itself. limit is how many more are allowed.
func (r *resolver) jumps(ctx context.Context, list string, limit int) (out []Hop, err error) {
	if list == "" || list == "none" {
		return nil, nil
	}
	for i, hop := range strings.Split(list, ",") {
		if len(out) == limit {
			return nil, permanent(StepResolve, "ssh_config has more than %d jump hosts, or jump hosts that refer to each other: correct ProxyJump there", maxJumps)
		}
		name, alias, port := splitHop(hop)
		t, settings, err := r.hop(ctx, alias, port, name)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			before := t.proxyJump(settings)
			if before == "" {
				if t.proxyCommand, err = t.expandProxyCommand(settings); err != nil {
					return nil, err
				}
			}
			if out, err = r.jumps(ctx, before, limit-1); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// hop returns the server of an alias, and its settings in ssh_config.
func (r *resolver) hop(ctx context.Context, alias, port, name string) (Hop, hostSettings, error) {
	settings, err := r.config.settings(ctx, alias, name, port)
	if err != nil {
		return Hop{}, nil, err
	}
	h := Hop{host: alias, network: "tcp", user: cmp.Or(name, settings.get("user"))}
	if real := settings.get("hostname"); real != "" {
		h.host = strings.NewReplacer("%h", alias, "%%", "%").Replace(real)
	}
	h.port = cmp.Or(port, settings.get("port"), "22")
	if h.user == "" {
		self, err := user.Current()
		if err != nil {
			return h, nil, permanent(StepResolve, "the user to log in as on %s is unknown: set user in the tunnel", alias)
		}
		h.user = localName(self)
	}
	h.tokens = h.newTokens(alias, settings, r.env.Home)
	f := hostFiles{settings, h.tokens, r.env.Home}
	h.creds = f.credentials(r.env.Agent)
	h.hostKeys = f.hostKeys(h.Address())
	if command := settings.get("knownhostscommand"); command != "" && command != "none" {
		r.config.note("KnownHostsCommand is not used: host keys have to be in a file of known hosts")
	}
	switch settings.get("addressfamily") {
	case "inet":
		h.network = "tcp4"
	case "inet6":
		h.network = "tcp6"
	}
	h.source = settings.get("bindaddress")
	return h, settings, nil
}

// newTokens returns the tokens of ssh_config that a path may have, with their values.
func (h Hop) newTokens(alias string, settings hostSettings, home string) *strings.Replacer {
	all := []string{
		"%%", "%", "%d", home, "%h", h.host, "%n", alias, "%p", h.port, "%r", h.user,
		"%k", cmp.Or(settings.get("hostkeyalias"), alias), "%j", settings.get("proxyjump"),
	}
	hash := settings.get(connectionHash)
	if machine, err := os.Hostname(); err == nil && hash == "" {
		hash = fmt.Sprintf("%x", sha1.Sum([]byte(machine+h.host+h.port+h.user))) //nolint:gosec // it is a name
	}
	all = append(all, "%C", hash)
	if self, err := user.Current(); err == nil {
		all = append(all, "%u", localName(self), "%i", self.Uid)
	}
	if machine, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(machine, ".")
		all = append(all, "%l", machine, "%L", short)
	}
	return strings.NewReplacer(all...)
}

// splitHop splits [user@]host[:port], which may also be written as ssh://….
func splitHop(hop string) (user, host, port string) {
	hop = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(hop), "ssh://"), "/")
	if i := strings.LastIndexByte(hop, '@'); i >= 0 {
		user, hop = hop[:i], hop[i+1:]
	}
	host, port = splitHost(hop)
	return user, host, port
}

// splitHost splits off the port, if there is one.
func splitHost(s string) (host, port string) {
	if host, port, err := net.SplitHostPort(s); err == nil {
		return host, port
	}
	return strings.Trim(s, "[]"), ""
}
