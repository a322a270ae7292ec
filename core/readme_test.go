package core_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// walking is set in the process that has its own network.
const walking = "README_WALK"

// TestREADME runs every command of the README's console blocks, in order, in one shell, with
// an empty HOME and a copy of the repository, and compares the output that the README shows.
// Only the sites and the editor, a script that inserts the README's channels, differ from a
// user's machine.
func TestREADME(t *testing.T) {
	if os.Getenv(walking) != "" {
		walkREADME(t)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the ports of the README may be in use, and only Linux has network namespaces")
	}
	for _, tool := range []string{"bash", "make", "curl", "unshare", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	unshare := []string{"--net"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--map-root-user")
	}
	if out, err := exec.Command("unshare", append(unshare, "true")...).CombinedOutput(); err != nil {
		t.Skipf("this machine forbids network namespaces: %v %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("unshare", append(unshare, self, "-test.run=^TestREADME$", "-test.v")...)
	c.Env = append(os.Environ(), walking+"=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// command is a command of the README with the output that it shows.
type command struct {
	text, shown, got string
}

// commands returns those of all console blocks.
func commands(readme string) (out []command) {
	inBlock := false
	for line := range strings.Lines(readme) {
		text, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case !inBlock:
			inBlock = line == "```console\n"
		case line == "```\n":
			inBlock = false
		case isCommand:
			out = append(out, command{text: text})
		case strings.HasSuffix(out[len(out)-1].text, "\\\n") && out[len(out)-1].shown == "":
			out[len(out)-1].text += line
		default:
			out[len(out)-1].shown += line
		}
	}
	return out
}

// varying matches what differs between two runs: numbers, times, IDs and directories.
var varying = regexp.MustCompile(`~[0-9a-f]{4}|/home/me|\d+(\.\d+)? ?(m?s)\b|\d[\d.:]*|\s+|…\s*`)

// pattern matches an output like the one that the README shows.
func pattern(shown, home string) *regexp.Regexp {
	var out strings.Builder
	out.WriteString(`(?s)^\s*`)
	for shown != "" {
		at := varying.FindStringIndex(shown)
		if at == nil {
			break
		}
		out.WriteString(regexp.QuoteMeta(shown[:at[0]]))
		switch v := shown[at[0]:at[1]]; {
		case strings.HasPrefix(v, "…"):
			out.WriteString(`.*`)
		case strings.TrimSpace(v) == "":
			out.WriteString(`\s+`)
		case v == "/home/me":
			out.WriteString(regexp.QuoteMeta(home))
		case strings.HasPrefix(v, "~"):
			out.WriteString(`~[0-9a-f]{4}`)
		case strings.HasSuffix(v, "s"):
			out.WriteString(`\d+(\.\d+)? ?(m?s)`)
		default:
			out.WriteString(`\d[\d.:]*`)
		}
		shown = shown[at[1]:]
	}
	return regexp.MustCompile(out.String() + regexp.QuoteMeta(shown) + `\s*$`)
}

func walkREADME(t *testing.T) {
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	readme := documents(t)["README.md"]
	steps := commands(readme)
	if len(steps) < 10 {
		t.Fatalf("only %d commands were found", len(steps))
	}
	dir := t.TempDir()
	repository, home := filepath.Join(dir, "aitunnel"), filepath.Join(dir, "home")
	copyRepository(t, repository)
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	shell := newShell(t, repository, home, editor(t, dir, readme))
	for _, step := range steps {
		step.got = shell.run(t, step.text)
		if step.shown != "" && !pattern(step.shown, home).MatchString(step.got) {
			t.Errorf("$ %s\nprints:\n%s\nand the README says:\n%s", step.text, step.got, step.shown)
		}
	}
}

// shell is a bash that runs one command after the other.
type shell struct {
	in  io.Writer
	out *os.File // the output of the shell and its commands
	at  int64
}

func newShell(t *testing.T, dir, home, editor string) *shell {
	// A file, not a pipe: a program in the background would keep a pipe open.
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("bash", "--norc", "--noprofile")
	c.Dir, c.Stdout, c.Stderr = dir, out, out
	c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "EDITOR=" + editor, "NO_COLOR=1", "GOPROXY=off", "GOFLAGS=-trimpath"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOTOOLCHAIN"} { // what is in the caches need not be downloaded again
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		c.Env = append(c.Env, name+"="+strings.TrimSpace(string(value)))
	}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "aitunnel stop --now >/dev/null 2>&1; exit\n")
		_ = c.Wait()
		_ = out.Close()
	})
	return &shell{in: in, out: out}
}

// run runs a command and returns what it prints.
func (s *shell) run(t *testing.T, command string) string {
	t.Helper()
	const mark = "the command ended with "
	if _, err := fmt.Fprintf(s.in, "%s\necho \"%s$?;\"\n", strings.TrimSuffix(command, "\n"), mark); err != nil {
		t.Fatal(err)
	}
	got, code := "", ""
	testhelp.Within(t, 5*time.Minute, "the end of $ "+command, func() (ended bool) {
		text, err := os.ReadFile(s.out.Name())
		if err != nil {
			t.Fatal(err)
		}
		end := ""
		got, end, _ = strings.Cut(string(text[s.at:]), mark)
		if code, _, ended = strings.Cut(end, ";\n"); ended {
			s.at = int64(len(text))
		}
		return ended
	})
	if n, err := strconv.Atoi(code); err != nil || n != 0 {
		t.Fatalf("$ %s\nends with %s:\n%s", command, code, got)
	}
	return got
}

// editor is a script that replaces the channel in a file by those of the
// README, at the addresses of two sites. The first one breaks after its first
// answer.
func editor(t *testing.T, dir, readme string) string {
	t.Helper()
	_, channels, _ := strings.Cut(readme, "```hcl\n")
	channels, _, _ = strings.Cut(channels, "```")
	for _, name := range []string{"primary", "backup"} {
		site := fakesite.New(name)
		if name == "primary" {
			site.Next(fakesite.OK())
			site.Always(fakesite.Reset())
		}
		if err := site.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(site.Close)
		host := regexp.MustCompile(`(channel "` + name + `" \{\s+target\s*=\s*)"[^"]+"`)
		if !host.MatchString(channels) {
			t.Fatalf("the README has no channel %q:\n%s", name, channels)
		}
		channels = host.ReplaceAllString(channels, `${1}"`+site.URL()+`"`)
	}
	script := filepath.Join(dir, "editor")
	text := "#!/bin/bash\nset -e\nsed -i '/^channel \"primary\" {$/,/^}$/d' \"$1\"\ncat >> \"$1\" <<'END'\n" + channels + "END\n"
	if err := testhelp.WriteProgram(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return script
}

// copyRepository copies the files, except what was built from them.
func copyRepository(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case slices.Contains([]string{".git", "bin", "dist", "node_modules"}, d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // of a test that runs at the same time
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}
