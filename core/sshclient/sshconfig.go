package sshclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// askTimeout limits one run of ssh -G, which may run commands of Match exec.
const askTimeout = 5 * time.Second

// systemSSH is the directory of the system's SSH configuration.
const systemSSH = "/etc/ssh"

// hostSettings are the settings of ssh_config for one host: values by lower-case keyword.
type hostSettings map[string][]string

// get returns the first value of a keyword, "" if there is none.
func (s hostSettings) get(keyword string) string {
	if values := s[keyword]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// proxyCommand returns the command that makes the connection to the host, with its tokens; ""
// if there is none.
func (s hostSettings) proxyCommand() string {
	if command := s.get("proxycommand"); !strings.EqualFold(command, "none") {
		return command
	}
	return ""
}

// connectionHash is the key of the settings for the value of the token %C.
const connectionHash = "%C"

// sshConfig evaluates ssh_config: with OpenSSH if it is installed, so that the result is
// exact, otherwise with a configReader.
type sshConfig struct {
	home    string
	program string // the OpenSSH client, "" if there is none
	off     bool   // ssh_config is not used

	late   bool     // ssh did not answer in time
	source string   // what evaluated it, for messages
	notes  []string // what could not be evaluated
	files  []string // that were read
}

// settings returns the settings for a host. user and port are those of the tunnel, "" if
// it has none.
func (c *sshConfig) settings(ctx context.Context, host, user, port string) (hostSettings, error) {
	if c.off {
		return hostSettings{}, nil
	}
	r := newConfigReader(c.home, host, user, port)
	if r.remedy = "install the OpenSSH client"; c.program != "" {
		r.remedy = "correct what ssh does not accept"
	}
	own, err := r.read()
	for _, f := range r.files {
		if !slices.Contains(c.files, f) {
			c.files = append(c.files, f)
		}
	}
	if r.refused {
		return nil, err // ssh refuses it only in some cases, and might run commands of it
	}
	if c.program != "" {
		asked, failure := c.ask(ctx, host, user, port)
		if failure == nil {
			c.source = "ssh -G"
			if err != nil { // ssh says nothing about a file that it cannot read
				c.note(err.Error())
			}
			return asked, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.late = c.late || errors.Is(failure, errLate)
		c.note(fmt.Sprintf("ssh -G %s fails (%s), so ssh_config is read without it", host, failure))
	}
	for _, n := range r.notes {
		c.note(n)
	}
	return own, err
}

func (c *sshConfig) note(text string) {
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// ask runs ssh -G.
func (c *sshConfig) ask(ctx context.Context, host, user, port string) (hostSettings, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	args := []string{"-G", "-o", "ControlPath=" + connectionHash}
	if user != "" {
		args = append(args, "-l", user)
	}
	if port != "" {
		args = append(args, "-p", port)
	}
	// ssh ignores $HOME and uses the account's home directory. If they differ, the files
	// are named explicitly.
	if h := accountHome(); h != "" && filepath.Clean(h) != filepath.Clean(c.home) {
		file, err := includeFile(c.home, systemSSH)
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.Remove(file) }()
		args = append(args, "-F", file)
	}
	cmd := exec.CommandContext(ctx, c.program, append(args, "--", host)...)
	cmd.WaitDelay = time.Second // a command of Match exec may keep the pipes open
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, errLate
		}
		if text := strings.TrimSpace(messages.String()); text != "" {
			if lines := strings.Split(text, "\n"); len(lines) > 1 && strings.Contains(lines[len(lines)-1], "terminating") {
				text = strings.Join(lines[:len(lines)-1], "; ") // the last line only counts the mistakes
			}
			return nil, errors.New(line(text))
		}
		return nil, err
	}
	settings := parseAnswer(out.String(), c.home)
	if settings.get("hostname") == "" || settings.get("port") == "" {
		return nil, fmt.Errorf("%s does not answer as OpenSSH does", c.program)
	}
	return settings, nil
}

// errLate is the error of an ssh that takes too long.
var errLate = fmt.Errorf("no answer within %s", askTimeout)

// includeFile writes a file with the configuration of a home directory and of the system. It
// cannot be a pipe, since ssh may read it twice.
func includeFile(home, system string) (path string, err error) {
	content, err := os.ReadFile(filepath.Join(system, "ssh_config"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	f, err := os.CreateTemp("", "aitunnel-ssh-*")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "Include \"%s\"\n%s", filepath.Join(home, ".ssh", "config"), withAbsoluteIncludes(string(content), system))
	return f.Name(), errors.Join(err, f.Close())
}

// withAbsoluteIncludes returns a configuration whose includes do not depend on where it is.
func withAbsoluteIncludes(text, dir string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		keyword, paths, err := splitLine(line)
		if keyword != "include" || err != nil {
			out.WriteString(line)
			continue
		}
		out.WriteString("Include")
		for _, p := range paths {
			if !filepath.IsAbs(p) && !strings.HasPrefix(p, "~") {
				p = filepath.Join(dir, p)
			}
			out.WriteString(" \"" + p + "\"")
		}
		out.WriteString("\n")
	}
	return out.String()
}

// parseAnswer parses the output of ssh -G, without defaults.
func parseAnswer(text, home string) hostSettings {
	out := hostSettings{}
	for line := range strings.Lines(text) {
		keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value == "" {
			continue
		}
		switch keyword {
		case "userknownhostsfile", "globalknownhostsfile":
			out[keyword] = splitPaths(value, home)
		default:
			out[keyword] = append(out[keyword], value)
		}
	}
	out[connectionHash] = out["controlpath"]
	if areDefault(out["identityfile"]) {
		delete(out, "identityfile")
	}
	known := filepath.Join(accountHome(), ".ssh", "known_hosts")
	if slices.Equal(out["userknownhostsfile"], []string{known, known + "2"}) {
		delete(out, "userknownhostsfile")
	}
	return out
}

// splitPaths splits a list of paths, which ssh prints without quotes. If a file with the
// whole value as its path exists, the value is one path with spaces.
func splitPaths(value, home string) []string {
	if _, err := os.Stat(expandHome(value, home)); err == nil {
		return []string{value}
	}
	return strings.Fields(value)
}

// areDefault reports whether identity files are those that ssh uses if none are set, which
// differ by version.
func areDefault(files []string) bool {
	return len(files) >= 3 && !slices.ContainsFunc(files, func(file string) bool {
		kind, ok := strings.CutPrefix(file, "~/.ssh/id_")
		return !ok || !slices.Contains([]string{"rsa", "dsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss"}, kind)
	})
}

// accountHome returns the home directory of the account, whatever $HOME says.
func accountHome() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.HomeDir
}

// expandHome replaces a leading ~ with the home directory, and ~NAME with that of another
// account.
func expandHome(path, home string) string {
	name, ok := strings.CutPrefix(path, "~")
	if !ok {
		return path
	}
	name, rest, _ := strings.Cut(name, "/")
	if name != "" {
		other, err := user.Lookup(name)
		if err != nil {
			return path
		}
		home = other.HomeDir
	}
	return filepath.Join(home, filepath.FromSlash(rest))
}

// expandEnv replaces ${NAME} with the variable's value.
func expandEnv(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			b.WriteString("${" + after)
			return b.String()
		}
		b.WriteString(os.Getenv(name))
		text = rest
	}
}
