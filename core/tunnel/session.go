package tunnel

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/renameio/v2/maybe"
)

// session is the sshd process that serves a connection of ours. It outlives a
// connection that broke silently, and holds its ports as long.
type session struct {
	HostKey string `json:"hostKey"` // of the machine it is on
	User    string `json:"user"`
	PID     string `json:"pid"`
	Is      string `json:"is"` // name, start time and owner: by them it is told from a later one with its number
}

// describe prints what tells the process $p from others: name, start and
// owner. Single quotes must not be in it, as it is quoted with them; outside of
// Linux there is no /proc.
const describe = `d=$({ { cut -d" " -f2,22 /proc/$p/stat && sed -n "s/^Uid:[^0-9]*\([0-9]*\).*/\1/p" /proc/$p/status; } 2>/dev/null || ps -o comm= -o lstart= -o uid= -p $p; } | tr -s " \n" "  ");`

// whoAmI is the command that names the sshd process of the connection it comes
// by. It makes sshd send without delay, too.
const whoAmI = `exec sh -c 'p=$PPID; ` + describe + ` echo "aitunnel $p $(id -u) $d"'`

var (
	aboutMe = regexp.MustCompile(`(?m)^aitunnel (\d+) (\d+) (.+?)\s*$`)
	isSSHD  = regexp.MustCompile(`^(\(sshd(-session)?\) \d+|[\w./-]*sshd(-session)?:? [\w: ]+?) (\d+)$`)
)

// identify asks for the session of this link. An error says that no command
// can run on the host.
func (l *link) identify(ctx context.Context) (session, error) {
	text, err := l.run(ctx, whoAmI)
	if err != nil {
		return session{}, err
	}
	m := aboutMe.FindStringSubmatch(text)
	if m == nil {
		return session{}, fmt.Errorf("another command runs instead")
	}
	s := session{HostKey: l.hostKey, User: l.target.user, PID: m[1], Is: m[3]}
	if owner := isSSHD.FindStringSubmatch(s.Is); owner == nil || owner[4] != m[2] {
		return session{}, nil // something stands between, such as sudo: no process to remember
	}
	return s, nil
}

// clear ends a session of ours that lost its connection, if it is there still.
// Everything is checked over there in the same breath. A stopped process gets
// to know of its end only when it goes on; one that still stays is killed the
// next time, by force.
func (l *link) clear(ctx context.Context, s session, force bool) (outcome string, err error) {
	if !isSSHD.MatchString(s.Is) || s.HostKey != l.hostKey || s.User != l.target.user {
		return "", nil
	}
	how := "kill -TERM $p; kill -CONT $p"
	if force {
		how = "kill -KILL $p"
	}
	text, err := l.run(ctx, `exec sh -c 'p=`+s.PID+`; `+describe+
		` d=$(echo $d); if [ "$d" = "`+s.Is+`" ]; then `+how+`; echo aitunnel killed; elif [ -z "$d" ]; then echo aitunnel gone; else echo aitunnel other; fi' 2>/dev/null`)
	switch {
	case strings.Contains(text, "aitunnel killed"):
		return "killed", nil
	case strings.Contains(text, "aitunnel gone"), strings.Contains(text, "aitunnel other"):
		return "gone", nil
	}
	return "", err
}

// holder says who listens on a port of the host, "" if that cannot be seen.
func (l *link) holder(ctx context.Context, port string) string {
	text, _ := l.run(ctx, `exec sh -c 'ss -Hltnp "sport = :`+port+`" 2>/dev/null || lsof -nP -iTCP:`+port+` -sTCP:LISTEN -Fcp'`)
	if m := regexp.MustCompile(`\("([^"]+)",pid=(\d+)`).FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s (pid %s)", m[1], m[2])
	}
	if m := regexp.MustCompile(`(?m)^p(\d+)\nc(.+)$`).FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s (pid %s)", m[2], m[1])
	}
	return ""
}

// unlink removes a socket file of ours that nobody listens on: sshd leaves its
// own behind, and then cannot open them again.
func (l *link) unlink(ctx context.Context, path string) bool {
	if strings.ContainsAny(path, "'\"$`\\\n") {
		return false
	}
	text, _ := l.run(ctx, `exec sh -c 'if [ -S "`+path+`" ] && [ -O "`+path+`" ]; then rm -f "`+path+`" && echo aitunnel removed; fi'`)
	return strings.Contains(text, "aitunnel removed")
}

// sessions remembers the sessions that may be left on hosts, by tunnel, over
// restarts too: the power may fail here while sshd there waits for us.
type sessions struct {
	path string // "": not over restarts
	mu   sync.Mutex
	all  map[string][]session
}

// maxSessions bounds what is remembered for a tunnel.
const maxSessions = 8

func loadSessions(path string) *sessions {
	s := &sessions{path: path, all: map[string][]session{}}
	if content, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(content, &s.all) // a damaged file is as none
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
		_ = maybe.WriteFile(s.path, content, 0o600) // then they are forgotten by a restart
	}
}
