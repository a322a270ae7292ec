package sshclient

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// maxIncludes is how deep Include may nest, as in OpenSSH.
const maxIncludes = 16

// configReader reads ssh_config for one host, for machines without OpenSSH.
// Match criteria that it cannot evaluate, such as exec, do not match, with a note.
type configReader struct {
	home  string
	host  string // as written in the tunnel
	user  string // of the tunnel
	self  string // the local account
	files []string
	notes []string

	remedy     string   // what makes OpenSSH evaluate the file
	refused    bool     // a file is not used since others can change it
	open       []string // files that are being read, to notice one that includes itself
	out        hostSettings
	finalPass  bool // this is the second pass
	wantsFinal bool // "Match final" requires one
}

// cumulative are the keywords of which every line counts, not only the first.
var cumulative = []string{"identityfile", "certificatefile"}

func newConfigReader(home, host, name, port string) *configReader {
	r := &configReader{home: home, host: host, user: name, out: hostSettings{}}
	if u, err := user.Current(); err == nil {
		r.self = localName(u)
	}
	if name != "" {
		r.out["user"] = []string{name}
	}
	if port != "" {
		r.out["port"] = []string{port}
	}
	return r
}

// localName returns the account's name, without the domain that Windows adds.
func localName(u *user.User) string { return u.Username[strings.LastIndexByte(u.Username, '\\')+1:] }

// read returns the settings of the host. Those in the user's file have precedence.
func (r *configReader) read() (hostSettings, error) {
	for {
		dir := filepath.Join(r.home, ".ssh")
		if err := r.file(filepath.Join(dir, "config"), dir, 0); err != nil {
			return nil, err
		}
		if err := r.file(filepath.Join(systemSSH, "ssh_config"), systemSSH, 0); err != nil {
			return nil, err
		}
		if r.finalPass || !r.wantsFinal {
			return r.out, nil
		}
		r.finalPass = true
	}
}

// file reads one file. Relative includes are below dir.
func (r *configReader) file(path, dir string, depth int) error {
	if slices.Contains(r.open, path) {
		r.note(path + " includes itself, which is skipped")
		return nil
	}
	r.open = append(r.open, path)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	if !slices.Contains(r.files, path) {
		r.files = append(r.files, path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 {
		r.refused = true
		return permanent(StepResolve, "%s can be changed by every account (mode %04o), so it is not used: run %s, or set ssh_config = false in the tunnel", path, info.Mode().Perm(), fileaccess.Command("chmod go-w "+wording.ShellWord(path), r.home))
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return permanent(StepResolve, "%s cannot be read: %s; to ignore it, set ssh_config = false in the tunnel", path, fileaccess.Explain(path, err))
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	active, number := true, 0
	for line := range strings.Lines(string(content)) {
		number++
		keyword, args, err := splitLine(line)
		if err != nil {
			return permanent(StepResolve, "%s:%d: %s; to ignore the file, set ssh_config = false in the tunnel", path, number, err)
		}
		switch {
		case keyword == "":
		case keyword == "host":
			active = matchList(args, r.host)
		case keyword == "match":
			active = r.match(args, fmt.Sprintf("%s:%d", path, number))
		case keyword == "include" && active:
			if err := r.include(args, dir, depth); err != nil {
				return err
			}
		case active && keyword == "proxycommand" && len(args) > 0:
			r.set(keyword, []string{value(line)})
		case active && len(args) > 0:
			r.set(keyword, args)
		}
	}
	return nil
}

// include reads the files of an Include line.
func (r *configReader) include(patterns []string, dir string, depth int) error {
	if depth == maxIncludes {
		r.note(fmt.Sprintf("Include in %s is nested more than %d files deep; the rest is skipped", dir, maxIncludes))
		return nil
	}
	for _, p := range patterns {
		p = expandHome(expandEnv(p), r.home)
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		paths, _ := filepath.Glob(p) // a bad pattern matches nothing
		for _, path := range paths {
			if err := r.file(path, dir, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// set keeps the first value of a keyword, or all values of a cumulative one.
func (r *configReader) set(keyword string, args []string) {
	if slices.Contains(cumulative, keyword) {
		if !slices.Contains(r.out[keyword], args[0]) {
			r.out[keyword] = append(r.out[keyword], args[0])
		}
		return
	}
	if other := r.out.get(alternatives[keyword]); len(r.out[keyword]) == 0 && (other == "" || strings.EqualFold(other, "none")) {
		r.out[keyword] = args
	}
}

// alternatives are keywords of which the first in the file excludes the other.
var alternatives = map[string]string{"proxyjump": "proxycommand", "proxycommand": "proxyjump"}

// match reports whether all criteria of a Match line are met. One that cannot be
// evaluated is not met.
func (r *configReader) match(args []string, at string) bool {
	all := true
	for len(args) > 0 {
		criterion, value, joined := strings.Cut(strings.ToLower(args[0]), "=")
		if joined {
			value = args[0][len(criterion)+1:]
		}
		args = args[1:]
		name, negated := strings.CutPrefix(criterion, "!")
		switch name {
		case "all":
			all = all && !negated
			continue
		case "final", "canonical":
			r.wantsFinal = r.wantsFinal || name == "final"
			all = all && r.finalPass != negated
			continue
		}
		if !joined && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		subject := ""
		switch name {
		case "host":
			subject = strings.NewReplacer("%h", r.host, "%%", "%").Replace(cmp.Or(r.out.get("hostname"), r.host))
		case "originalhost":
			subject = r.host
		case "user":
			subject = cmp.Or(r.out.get("user"), r.self)
		case "localuser":
			subject = r.self
		default:
			r.note(fmt.Sprintf("%s: \"Match %s\" cannot be evaluated without OpenSSH, so its block is skipped; %s, or set ssh_config = false in the tunnel", at, name, r.remedy))
			return false
		}
		all = all && matchList(strings.Split(value, ","), subject) != negated
	}
	return all
}

func (r *configReader) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// matchList reports whether a pattern matches, and none with a "!" does.
func matchList(patterns []string, s string) (found bool) {
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		if matchPattern(strings.ToLower(p), strings.ToLower(s)) {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

// matchPattern matches a pattern in which * matches any text, and ? any character.
func matchPattern(pattern, s string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := range len(s) + 1 {
				if matchPattern(pattern[1:], s[i:]) {
					return true
				}
			}
			return false
		case s == "" || pattern[0] != '?' && pattern[0] != s[0]:
			return false
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}

// splitLine splits a line into its keyword and arguments, which may be quoted.
func splitLine(line string) (keyword string, args []string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return strings.ToLower(line), nil, nil
	}
	keyword, line = strings.ToLower(line[:end]), strings.TrimLeft(line[end:], " \t")
	line = strings.TrimLeft(strings.TrimPrefix(line, "="), " \t")
	for line != "" && line[0] != '#' {
		var arg string
		if arg, line, err = cutArgument(line); err != nil {
			return keyword, nil, err
		}
		args = append(args, arg)
	}
	return keyword, args, nil
}

// value returns what follows the keyword of a line, as it is written.
func value(line string) string {
	line = strings.TrimSpace(line)
	return strings.TrimLeft(line[strings.IndexAny(line, " \t="):], " \t=")
}

// cutArgument splits one argument off a line.
func cutArgument(line string) (arg, rest string, err error) {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line) && strings.IndexByte(`"'\`, line[i+1]) >= 0:
			i++
			b.WriteByte(line[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), strings.TrimLeft(line[i:], " \t"), nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", errors.New("a quotation mark is not closed")
	}
	return b.String(), "", nil
}
