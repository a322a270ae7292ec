package tunnel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/sshclient"
)

// session is the SSH server's process that serves one of our connections. It
// outlives a connection that broke silently, and keeps holding its ports.
type session struct {
	HostKey string `json:"hostKey"` // of the machine it is on
	User    string `json:"user"`
	PID     string `json:"pid"`
	Is      string `json:"is"` // name, start time and owner: a later process with its PID differs in these
}

// describeProcess prints name, start time and owner of the process $p, which identify it.
// It must not contain single quotes, as it is quoted with them. Systems other than Linux
// have no /proc.
const describeProcess = `d=$({ { cut -d" " -f2,22 /proc/$p/stat && sed -n "s/^Uid:[^0-9]*\([0-9]*\).*/\1/p" /proc/$p/status; } 2>/dev/null || ps -o comm= -o lstart= -o uid= -p $p; } | tr -s " \n" "  ");`

// identifyCommand prints the process that serves its connection. It also makes OpenSSH
// set TCP_NODELAY. Output of a .bashrc may precede it.
const identifyCommand = `exec sh -c 'p=$PPID; ` + describeProcess + ` echo; echo "aitunnel $p $(id -u) $d"'`

var (
	identityLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^aitunnel (\d+) (\d+) (.+?)\s*$`) })
	serverLine   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\((?:sshd(?:-session)?|dropbear)\) \d+|[\w./-]*(?:sshd(?:-session)?|dropbear):? [\w: ]+?) (\d+)$`)
	})
)

// errOtherCommand is the error for an account whose sshd runs a fixed command instead.
var errOtherCommand = errors.New("another command runs instead")

// identify returns the session of a connection. An error says that no command can run on
// the host.
func identify(ctx context.Context, c *sshclient.Client) (session, error) {
	text, err := c.Run(ctx, identifyCommand)
	if err != nil {
		return session{}, err
	}
	m := identityLine().FindStringSubmatch(text)
	if m == nil {
		return session{}, errOtherCommand
	}
	s := session{HostKey: c.HostKey(), User: c.User(), PID: m[1], Is: m[3]}
	if owner := serverLine().FindStringSubmatch(s.Is); owner == nil || owner[2] != m[2] {
		return session{}, nil // another process is in between, such as sudo: there is none to remember
	}
	return s, nil
}

// Outcomes of [clear].
const (
	sessionKilled = "killed"
	sessionGone   = "gone"
)

// clear ends one of our sessions that lost its connection, if it still exists. The same
// command checks on the host that the process is that session. A stopped
// process receives the signal only when it continues; one that does not end is killed
// by force the next time.
func (s session) clear(ctx context.Context, c *sshclient.Client, force bool) (outcome string, err error) {
	if !serverLine().MatchString(s.Is) || s.HostKey != c.HostKey() || s.User != c.User() {
		return "", nil
	}
	how := "kill -TERM $p; kill -CONT $p"
	if force {
		how = "kill -KILL $p"
	}
	text, err := c.Run(ctx, `exec sh -c 'p=`+s.PID+`; `+describeProcess+
		` d=$(echo $d); if [ "$d" = "`+s.Is+`" ]; then `+how+`; echo aitunnel killed; elif [ -z "$d" ]; then echo aitunnel gone; else echo aitunnel other; fi' 2>/dev/null`)
	switch {
	case strings.Contains(text, "aitunnel killed"):
		return sessionKilled, nil
	case strings.Contains(text, "aitunnel gone"), strings.Contains(text, "aitunnel other"):
		return sessionGone, nil
	}
	return "", err
}

var (
	ssHolder   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\("([^"]+)",pid=(\d+)`) })
	lsofHolder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^p(\d+)\nc(.+)$`) })
)

// portHolder reports whether a process listens on a port of the host, and which, "" if that
// cannot be seen: those of other accounts have no name.
func portHolder(ctx context.Context, c *sshclient.Client, port string) (who string, taken bool) {
	text, _ := c.Run(ctx, `exec sh -c 'ss -Hltnp "sport = :`+port+`" 2>/dev/null || lsof -nP -iTCP:`+port+` -sTCP:LISTEN -Fcp'`)
	if m := ssHolder().FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s (pid %s)", m[1], m[2]), true
	}
	if m := lsofHolder().FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s (pid %s)", m[2], m[1]), true
	}
	return "", strings.Contains(text, "LISTEN ")
}

// removeSocket removes a socket file of this account that no process listens on. sshd
// leaves such files behind, and cannot listen on them again. It asks the host's kernel,
// since sshd reports a socket that it may not connect to like one that nobody listens on.
func removeSocket(ctx context.Context, c *sshclient.Client, path string) bool {
	if strings.ContainsAny(path, "'\"$`\\\n") {
		return false
	}
	text, _ := c.Run(ctx, `exec sh -c 'f="`+path+`"; if [ -S "$f" ] && [ -O "$f" ] && all=$({ cat /proc/net/unix || lsof -nU || sockstat -u; } 2>/dev/null) && ! printf "%s\n" "$all" | grep -qF -- "$f"; then rm -f "$f" && echo aitunnel removed; fi'`)
	return strings.Contains(text, "aitunnel removed")
}

// sessions remembers the sessions that may be left on hosts, by tunnel, also across
// restarts: after a power failure here, sshd there still waits for us.
type sessions struct {
	path string // "": not kept across restarts
	mu   sync.Mutex
	all  map[string][]session
}

// maxSessions is how many sessions are remembered for a tunnel.
const maxSessions = 8

func loadSessions(path string) *sessions {
	s := &sessions{path: path, all: map[string][]session{}}
	if content, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(content, &s.all) // a damaged file counts as none
	}
	return s
}

func (s *sessions) of(tunnel string) []session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all[tunnel])
}

func (s *sessions) add(tunnel string, x session) {
	s.change(tunnel, func(list []session) []session {
		list = append(list, x)
		return list[max(0, len(list)-maxSessions):]
	})
}

func (s *sessions) remove(tunnel string, x session) {
	s.change(tunnel, func(list []session) []session {
		return slices.DeleteFunc(list, func(o session) bool { return o == x })
	})
}

func (s *sessions) change(tunnel string, f func([]session) []session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := f(slices.Clone(s.all[tunnel])); len(list) > 0 {
		s.all[tunnel] = list
	} else {
		delete(s.all, tunnel)
	}
	if s.path == "" {
		return
	}
	if content, err := json.Marshal(s.all); err == nil {
		_ = maybe.WriteFile(s.path, content, 0o600) // after an error, a restart forgets them
	}
}
