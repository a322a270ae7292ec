package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/sdk"
)

// self is the path of this program, for child processes.
var self string

// The test binary is also used as plugins of all kinds, and as a host.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "be" {
		self = os.Args[0]
		runAs(os.Args[2], os.Args[3:])
		return
	}
	self = testhelp.Child()
	goleak.VerifyTestMain(m)
}

func runAs(name string, args []string) {
	switch name {
	case "good":
		sdk.Serve(testPlugin)
	case "silent":
		fmt.Fprintln(os.Stderr, "still thinking")
		time.Sleep(time.Hour)
	case "slow":
		time.Sleep(300 * time.Millisecond)
		sdk.Serve(testPlugin)
	case "failing":
		fmt.Fprintln(os.Stderr, "no license found")
		os.Exit(3)
	case "rubbish":
		fmt.Println("hello, I am a calculator")
	case "newer":
		fmt.Println("1|2|unix|/nowhere|netrpc|")
		time.Sleep(time.Hour)
	case "noisy":
		noise()
		go func() {
			for {
				noise()
				time.Sleep(5 * time.Millisecond)
			}
		}()
		sdk.Serve(testPlugin)
	case "crashing": // serves, and crashes soon after it was configured
		plugin := testPlugin
		plugin.Components = []sdk.Factory{{Name: "order", Settings: orderSettings{}, New: func() sdk.Component { return &crashing{} }}}
		sdk.Serve(plugin)
	case "rejecting": // accepts no instances once the file in its arguments exists
		plugin := testPlugin
		plugin.Components = []sdk.Factory{{Name: "order", Settings: orderSettings{}, New: func() sdk.Component { return &rejecting{file: args[0]} }}}
		sdk.Serve(plugin)
	case "host":
		runHost(args[0])
	case "garbled": // sends the handshake, and then invalid data
		l, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
		if err != nil {
			panic(err)
		}
		fmt.Printf("1|1|unix|%s|netrpc|\n", l.Addr())
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(strings.Repeat("rubbish ", 1000)))
			_ = conn.Close()
		}
	case "impostor": // has another certificate than the one in its handshake
		runImpostor()
	case "mute": // sends the handshake, and then nothing
		l, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
		if err != nil {
			panic(err)
		}
		fmt.Printf("1|1|unix|%s|netrpc|\n", l.Addr())
		time.Sleep(time.Hour)
	case "old":
		runOldPlugin(args[0])
	case "child":
		time.Sleep(time.Hour)
	}
}

func noise() {
	long := strings.Repeat("x", 100<<10)
	fmt.Fprintf(os.Stdout, "out\n%s\n\x00\xff\n1|\n", long)
	fmt.Fprintf(os.Stderr, "{\"@message\":1}\n{\"@level\":[],\"@timestamp\":{}}\n%s\n{\"@message\":\"%s\"}\n", long, long)
}

// runHost runs a host until it is killed.
func runHost(dir string) {
	h, err := New(Options{Builtin: serveAs("good"), SocketDir: dir})
	if err == nil {
		_, err = h.Open(context.Background(), order(`{}`), nil, "test", nil)
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("pid", h.List()[0].PID)
	time.Sleep(time.Hour)
}

func serveAs(role string, args ...string) []string {
	argv := append([]string{self, "be", role}, args...)
	if runtime.GOOS == "windows" {
		return argv
	}
	// Under the race detector every process would sleep a second at its end.
	return append([]string{"/usr/bin/env", "GORACE=atexit_sleep_ms=0"}, argv...)
}

func order(body string) *config.Component {
	return &config.Component{Kind: sdk.KindStrategy, Ref: "order", Name: "order", Body: []byte(body)}
}

var testPlugin = sdk.Plugin{Name: "test", Version: "1.4.0", Components: []sdk.Factory{
	{Name: "order", Doc: "Fails as its settings say.", Settings: orderSettings{}, New: func() sdk.Component { return &orderStrategy{} }},
	{Name: "router", New: func() sdk.Component { return &router{} }},
	{Name: "first", New: func() sdk.Component { return &first{} }},
	{Name: "probe", New: func() sdk.Component { return &prober{} }},
}}

type orderSettings struct {
	Reason string `hcl:"reason,optional"`
	Bad    string `hcl:"bad,optional"`
}

// orderStrategy keeps the order of channels. The route of a request says how it misbehaves.
type orderStrategy struct{ orderSettings }

func (s *orderStrategy) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&s.orderSettings); err != nil {
		return err
	}
	if s.Bad != "" {
		return &sdk.ConfigError{Path: []string{"bad"}, Message: "this is bad", Hint: "leave it out"}
	}
	return nil
}

func (s *orderStrategy) Close() error { return nil }

func (s *orderStrategy) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	plan := sdk.Plan{Reason: s.Reason, State: req.State, Groups: []sdk.Group{{Rule: sdk.Rule{Kind: sdk.RuleOrder}}}}
	for _, c := range req.Channels {
		plan.Groups[0].Members = append(plan.Groups[0].Members, sdk.Member{ID: c.ID, Weight: c.Weight})
	}
	switch req.Route {
	case "panic":
		panic("handler")
	case "hang":
		select {}
	case "exit":
		os.Exit(7)
	case "spin":
		for { //nolint:staticcheck // an endless loop, as in a faulty plugin
		}
	case "eat":
		memory := bytes.Repeat([]byte("x"), 96<<20)
		time.AfterFunc(time.Hour, func() { fmt.Println(len(memory)) })
	case "log":
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Warn("from slog", "n", 1, "token", os.Getenv("OWN_TOKEN"))
	case "env":
		plan.Reason = strings.Join(os.Environ(), "\n")
	case "dir":
		plan.Reason, _ = os.Getwd()
	case "fds":
		plan.Reason = openFiles()
	case "child":
		cmd := exec.Command(os.Args[0], "be", "child")
		cmd.Stdout, cmd.Stderr = os.NewFile(1, "out"), os.NewFile(2, "err") // it keeps the plugin's pipes open
		if err := cmd.Start(); err != nil {
			return plan, err
		}
		plan.Reason = fmt.Sprint(cmd.Process.Pid)
	}
	return plan, nil
}

// openFiles lists the open file descriptors with their files.
func openFiles() string {
	var all []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil {
			all = append(all, e.Name()+" "+target)
		}
	}
	return strings.Join(all, "\n")
}

type router struct{ orderStrategy }

func (s *router) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	if req.Route == "spin" {
		for { //nolint:staticcheck // an endless loop, as in a faulty plugin
		}
	}
	return sdk.RouteReply{Reason: req.Model}, nil
}

type first struct{}

func (first) Configure(context.Context, sdk.Config) error { return nil }
func (first) Close() error                                { return nil }
func (first) PlanKeys(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	return sdk.Plan{Reason: req.Keys[0].ID}, nil
}

type prober struct{}

func (prober) Configure(context.Context, sdk.Config) error { return nil }
func (prober) Close() error                                { return nil }
func (prober) Check(ctx context.Context, req sdk.CheckRequest, h sdk.Host) (sdk.CheckResult, error) {
	res, err := h.Probe(ctx, sdk.ProbeRequest{Path: "/models"})
	return sdk.CheckResult{Healthy: res.Status == 200, Reason: string(res.Body)}, err
}

type crashing struct{ orderStrategy }

func (b *crashing) Configure(ctx context.Context, cfg sdk.Config) error {
	time.AfterFunc(400*time.Millisecond, func() { panic("out of tea") })
	return b.orderStrategy.Configure(ctx, cfg)
}

type rejecting struct {
	orderStrategy
	file string
}

func (f *rejecting) Configure(ctx context.Context, cfg sdk.Config) error {
	if _, err := os.Stat(f.file); err == nil {
		return &sdk.ConfigError{Message: "I have changed my mind"}
	}
	return f.orderStrategy.Configure(ctx, cfg)
}
