package sdktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// serveEnv is the environment variable that names the component that a process of the kit
// serves.
const serveEnv = "AITUNNEL_SDKTEST_SERVE"

// serveAsProcess serves the plugin and ends the process, if this is a process that the kit
// has started.
func serveAsProcess(t *testing.T, p sdk.Plugin) {
	t.Helper()
	switch os.Getenv(serveEnv) {
	case "":
	case p.Components[0].Name:
		sdk.Serve(p)
		os.Exit(0)
	default:
		t.Skip("another component of this test is to be served")
	}
}

// process is the component in a process of its own: the test binary, running
// the same test up to the kit.
type process struct {
	*host.Conn
	t      *testing.T
	client *plugin.Client
	errors *output
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start starts the process; name is that of the test which has called the kit.
func (k *kit) start(t *testing.T, name string, env ...string) *process {
	t.Helper()
	var pattern []string
	for part := range strings.SplitSeq(name, "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	cmd := exec.Command(os.Args[0], "-test.run="+strings.Join(pattern, "/"), "-test.count=1") //nolint:gosec // the test binary itself
	cmd.Env = append(os.Environ(), serveEnv+"="+k.factory.Name, strings.TrimSpace("GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")))
	cmd.Env = append(cmd.Env, env...)
	secure, certEnv, err := host.TLS()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, certEnv)
	p := &process{t: t, errors: &output{}}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: host.Plugins(),
		Cmd:              cmd,
		SkipHostEnv:      true,
		TLSConfig:        secure,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Stderr:           p.errors,
		SyncStdout:       p.errors,
		SyncStderr:       p.errors,
	})
	t.Cleanup(p.client.Kill)
	protocol, err := p.client.Client()
	if err == nil {
		p.Conn, err = host.Dispense(protocol)
	}
	if err == nil {
		ctx, cancel := patient()
		defer cancel()
		err = p.Attach(ctx)
	}
	if err != nil {
		t.Fatalf("the test binary, started again to serve %q, does not come up: %v\n%s", k.factory.Name, err, p.errors)
	}
	return p
}

// ended waits for the process to end by itself.
func (p *process) ended() bool {
	for deadline := time.Now().Add(patience); !p.client.Exited(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// hostDeath closes the connection of a component in use, as when its host is killed.
func (k *kit) hostDeath(t *testing.T) {
	p := k.start(t, parent(t))
	for i := range 3 {
		c, err := configure(t, p.Conn, k, fmt.Sprint("kit-", i), k.needed)
		if err != nil {
			t.Fatal(err)
		}
		k.once(c)
	}
	_ = p.Close() // as the end of this process would
	if !p.ended() {
		t.Errorf("the process is still there %s after its host has gone: does something keep it from ending, such as a signal handler, or a Close that hangs?\n%s", patience, p.errors)
	}
}

// once makes one call, whatever its result.
func (k *kit) once(c *host.Component) any {
	ctx, cancel := patient()
	defer cancel()
	var answer any
	var err error
	if k.described.Kind == sdk.KindHealthChecker {
		answer, err = c.Check(ctx, checkRequest, newSite(k.site))
	} else {
		answer, err = k.ask(ctx, c, question{candidates: candidates(3), outcomes: []sdk.Outcome{{ID: "c0", Failures: 2}}})
	}
	return []any{answer, fmt.Sprint(err)}
}

// canary is a secret that must not appear anywhere.
const canary = "kit-secret-5c1f0e77a9"

// secrets configures secrets, and searches everything that the component returns or logs.
func (k *kit) secrets(t *testing.T) {
	secret := Settings{}
	hidden := []string{}
	for _, a := range k.described.Schema.Attributes {
		if !a.Sensitive {
			continue
		}
		if given, ok := k.needed[a.Name].(string); ok {
			hidden = append(hidden, given)
		} else {
			hidden, secret[a.Name] = append(hidden, canary), canary
		}
	}
	if len(hidden) == 0 {
		t.Skip("it has no sensitive settings")
	}
	p := k.start(t, parent(t))
	said := []any{}
	c, err := configure(t, p.Conn, k, "secrets", k.merge(secret))
	if err != nil {
		said = append(said, err.Error())
	} else {
		said = append(said, k.once(c), k.once(c))
		ctx, cancel := patient()
		_ = c.Close(ctx)
		cancel()
	}
	for i, v := range append(wrong(k.described.Schema), k.variations(k.described.Schema)...) {
		for name, value := range secret {
			if _, set := v.settings[name]; !set {
				v.settings[name] = value
			}
		}
		if _, err := configure(t, p.Conn, k, fmt.Sprint("wrong-", i), k.merge(v.settings)); err != nil {
			said = append(said, err.Error())
		}
	}
	_ = p.Close()
	p.ended()
	answers, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range hidden {
		if strings.Contains(string(answers), s) {
			t.Errorf("a sensitive setting appears in an answer: reasons, states and errors are shown to users and saved")
		}
		if strings.Contains(p.errors.String(), s) {
			t.Errorf("a sensitive setting appears in the log: does it print its settings?")
		}
	}
}

// parent returns the name of the test that has called the kit.
func parent(t *testing.T) string {
	name := t.Name()
	return name[:strings.LastIndex(name, "/")]
}
