package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// waitLimit is how long a test waits for something to happen.
const waitLimit = 20 * time.Second

// TestScripts runs the program as users do. The scripts have these commands, besides those
// of testscript:
//
//	exits CODE PROGRAM ARGS...    run it and check its exit code
//	cmpstderr FILE | nothing      compare what the program printed on stderr
//	capture REGEXP VAR            set VAR to the group in the latest output
//	awaitfile FILE REGEXP [VAR]   wait until the file matches; set VAR to the group
//	awaitscreen REGEXP            wait until the terminal of tmux -L top matches
//	awaitplugins REGEXP           wait until 'aitunnel plugin list' matches
//	awaithistory N                wait until the history has N requests
//	awaitend STATEDIR             wait for the end of the daemon
//	killdaemon STATEDIR           send SIGKILL to the daemon, and wait for its end
//	terminate                     send SIGTERM to the commands in the background
//	addresses PROXY PANEL         set these variables to the addresses that start printed
//	get URL                       print the body
//	post URL BODY                 print the body of the answer, whatever its status
//	startget URL STATUSURL        send a request, and go on once it is in flight
//	status URL                    get the status, check its type, and print a summary
//	freeport VAR                  find a port that is not in use
//	takeport VAR                  listen on a port until the script ends
//	site NAME VAR [KEY]... [-/PATH]... [@/PATH]
//	                              start a site that accepts these keys, lacks the endpoints
//	                              after a minus, and has its API below the path after @; set
//	                              VAR to its address
//	releases                      start a server with releases of a plugin, in the form of
//	                              GitHub: $RELEASES/vVERSION/FILE
//	publish VERSION FILE KEY      publish a version of the plugin acme, signed with the key of
//	                              that number
//	republish VERSION TEXT KEY    publish other content as the same version
//	publishdir DIR VERSION FILE KEY
//	                              add a version to the releases in a directory; without
//	                              checksums if KEY is 0
//	makechanged FILE              change a plugin: another version
//	makebroken FILE               make a plugin exit at its start
//	makepanic FILE                make a plugin panic when it is configured
//	makehang FILE                 make a plugin hang when it is configured
//	makeplanless FILE             make a plugin return an error instead of a plan
//	makeslow FILE                 make a plugin slow to start
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector waits a second at each exit
			e.Setenv("AITUNNEL_STATE_DIR", e.WorkDir+"/state")
			e.Defer(func() { killDaemons(t, e.WorkDir) })
			acme, err := exec.LookPath("aitunnel-plugin-acme")
			e.Setenv("ACME", acme)
			guide, _ := exec.LookPath("aitunnel-plugin-guide") // in the same directory
			e.Setenv("GUIDE", guide)
			e.Values["testing"], e.Values["releases"] = t, map[string]*releasetest.Server{}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "cmpstderr": compareStderr, "capture": capture, "awaitfile": awaitFile, "awaitscreen": awaitScreen,
			"awaitplugins": awaitPlugins, "awaithistory": awaitHistory, "awaitend": awaitEnd, "killdaemon": killDaemon,
			"terminate": terminate, "addresses": addresses, "get": get, "post": post, "startget": startGet, "status": status,
			"freeport": freePort, "takeport": takePort, "site": startSite,
			"releases": releases, "publish": publish, "republish": republish, "publishdir": publishDir,
			"makechanged": makeChanged, "makebroken": makeBroken, "makepanic": makePanic, "makehang": makeHang, "makeplanless": makePlanless, "makeslow": makeSlow,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// yamuxLine is what the multiplexer of go-plugin may write to stderr, whatever its logger,
// when a plugin ends before its streams are closed.
var yamuxLine = regexp.MustCompile(`(?m)^\S+ \S+ \[ERR\] yamux: .*\n`)

func compareStderr(ts *testscript.TestScript, _ bool, args []string) {
	want := ""
	if args[0] != "nothing" {
		want = ts.ReadFile(args[0])
	}
	if diff := cmp.Diff(want, yamuxLine.ReplaceAllString(ts.ReadFile("stderr"), "")); diff != "" {
		ts.Fatalf("stderr is not %s (-want +got):\n%s", args[0], diff)
	}
}

func awaitFile(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	var text []byte
	var found [][]byte
	matches := func() bool {
		text, _ = os.ReadFile(ts.MkAbs(args[0]))
		found = pattern.FindSubmatch(text)
		return found != nil
	}
	if !testhelp.Poll(waitLimit, matches) {
		ts.Fatalf("%s does not match %s:\n%s", args[0], args[1], text)
	}
	if len(args) == 3 {
		ts.Setenv(args[2], string(found[1]))
	}
}

func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[0]).FindStringSubmatch(ts.ReadFile("stdout") + ts.ReadFile("stderr"))
	if found == nil {
		ts.Fatalf("the output does not match %s", args[0])
	}
	ts.Setenv(args[1], found[1])
}

func takePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], port(l))
}

func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], port(l))
	ts.Check(l.Close())
}

func startSite(ts *testscript.TestScript, _ bool, args []string) {
	var keys, lacking []string
	root := ""
	for _, arg := range args[2:] {
		switch {
		case strings.HasPrefix(arg, "-/"):
			lacking = append(lacking, arg[1:])
		case strings.HasPrefix(arg, "@/"):
			root = arg[1:]
		default:
			keys = append(keys, arg)
		}
	}
	var o []fakesite.Option
	if len(keys) > 0 {
		o = append(o, fakesite.Keys(keys...))
	}
	s := fakesite.New(args[0], o...)
	s.Always(func(x *fakesite.Exchange) {
		path, under := strings.CutPrefix(x.R.URL.Path, root)
		switch {
		case !under:
			fakesite.Status(http.StatusOK, "<html><title>Welcome</title></html>", "Content-Type", "text/html")(x)
		case slices.Contains(lacking, path):
			fakesite.Status(http.StatusNotFound, fmt.Sprintf(`{"error":{"message":"Invalid URL (POST %s)","type":"invalid_request_error"}}`, path))(x)
		default:
			fakesite.OK()(x)
		}
	})
	ts.Check(s.Start())
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL())
}

func port(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

func get(ts *testscript.TestScript, _ bool, args []string) {
	_, err := ts.Stdout().Write(fetch(ts, args[0]))
	ts.Check(err)
}

func post(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Post(args[0], "application/json", strings.NewReader(args[1]))
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(ts.Stdout(), resp.Body)
	ts.Check(err)
}

func awaitHistory(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	complete := func() bool {
		ts.Check(ts.Exec("aitunnel", "requests", "--since", "all", "-n", "1000", "--json"))
		got = strings.Count(ts.ReadFile("stdout"), "\n")
		return got == n
	}
	if !testhelp.Poll(waitLimit, complete) {
		ts.Fatalf("the history has %d requests, not %d", got, n)
	}
}

func status(ts *testscript.TestScript, _ bool, args []string) {
	var s admin.Status
	ts.Check(json.Unmarshal(fetch(ts, args[0]), &s))
	_, err := fmt.Fprintf(ts.Stdout(), "%s %s, %d channels\n", s.Status, s.Version, s.Channels.Total)
	ts.Check(err)
}

func startGet(ts *testscript.TestScript, _ bool, args []string) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if resp, err := http.Get(args[0]); err == nil {
			_ = resp.Body.Close()
		}
	}()
	ts.Defer(func() { <-answered })
	inFlight := func() bool {
		var s admin.Status
		ts.Check(json.Unmarshal(fetch(ts, args[1]), &s))
		return s.Active > 0
	}
	if !testhelp.Poll(waitLimit, inFlight) {
		ts.Fatalf("%s is not in flight", args[0])
	}
}

func fetch(ts *testscript.TestScript, url string) []byte {
	client := http.Client{Timeout: waitLimit}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	ts.Check(err)
	if token, err := os.ReadFile(filepath.Join(ts.Getenv("AITUNNEL_STATE_DIR"), "admin-token")); err == nil {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := client.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return body
}

func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// killDaemon leaves the files as a power cut would.
func killDaemon(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	h := statefile.HolderOf(dir)
	if h == nil {
		ts.Fatalf("no daemon uses %s", dir)
	}
	p, err := os.FindProcess(h.PID)
	ts.Check(err)
	ts.Check(p.Kill())
	awaitEnd(ts, false, args)
}

func awaitEnd(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	if !testhelp.Poll(waitLimit, func() bool { return statefile.HolderOf(dir) == nil }) {
		ts.Fatalf("a daemon still uses %s", dir)
	}
}

// killDaemons ends the processes that a failed script left.
func killDaemons(t *testing.T, dir string) {
	if servers, err := filepath.Glob(filepath.Join(dir, "tmux-*")); err == nil && len(servers) > 0 {
		c := exec.Command("tmux", "-L", "top", "kill-server")
		c.Env = append(os.Environ(), "TMUX_TMPDIR="+dir)
		_ = c.Run() // it may have ended
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "daemon.json"))
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		if h := statefile.HolderOf(filepath.Dir(f)); h != nil && h.PID != os.Getpid() {
			if p, err := os.FindProcess(h.PID); err == nil {
				_ = p.Kill()
			}
		}
	}
}

func awaitScreen(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	text := ""
	shows := func() bool {
		c := exec.Command("tmux", "-L", "top", "capture-pane", "-p") // not ts.Exec, which logs each try
		c.Env = append(os.Environ(), "TMUX_TMPDIR="+ts.Getenv("TMUX_TMPDIR"))
		shown, err := c.CombinedOutput()
		text = string(shown)
		return err == nil && pattern.MatchString(text)
	}
	if !testhelp.Poll(waitLimit, shows) {
		ts.Fatalf("the terminal does not show %s:\n%s", args[0], text)
	}
}

var printedAddresses = regexp.MustCompile(`(?m)^Proxy:  (\S+)\nPanel:  (\S+)$`)

func addresses(ts *testscript.TestScript, _ bool, args []string) {
	found := printedAddresses.FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("start printed no addresses:\n%s", ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], found[1])
	ts.Setenv(args[1], found[2])
}
