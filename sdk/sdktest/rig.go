package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

// rig is the component at the other end of the real wire, in this process.
type rig struct {
	*host.Conn
	t      testing.TB
	kit    *kit
	hangUp func()

	mu     sync.Mutex
	serial int
	made   []sdk.Component // by the factory, in order
}

// serve connects to the component, until the test ends.
func (k *kit) serve(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, kit: k}
	plugin := k.plugin()
	plugin.Components[0].New = func() sdk.Component {
		c := k.factory.New()
		r.mu.Lock()
		r.made = append(r.made, c)
		r.mu.Unlock()
		return c
	}
	ours, theirs := pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = sdk.ServeConn(plugin, theirs)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := host.Dial(ctx, ours)
	if err != nil {
		t.Fatalf("connecting to the component: %v", err)
	}
	r.Conn = conn
	r.hangUp = sync.OnceFunc(func() {
		_ = ours.Close()
		<-served
		_ = conn.Close()
	})
	t.Cleanup(r.hangUp)
	return r
}

// pipe is a connection between the host and the component.
func pipe() (ours, theirs net.Conn) {
	ours, theirs = net.Pipe()
	return &quietConn{ours}, &quietConn{theirs}
}

// quietConn is a connection that takes what is written after its end: the multiplexer
// would print an error, and learns of the end from its next read anyway.
type quietConn struct{ net.Conn }

func (c *quietConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(p), nil
	}
	return n, err
}

// body encodes settings as the host does.
func body(t testing.TB, s Settings) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("the settings %v are not for JSON: %v", s, err)
	}
	return raw
}

// configure creates an instance with the required settings and more.
func (r *rig) configure(more Settings) (*host.Component, error) {
	r.t.Helper()
	return configure(r.t, r.Conn, r.kit, r.nextName(), r.kit.merge(more))
}

// nextName returns a new name for an instance.
func (r *rig) nextName() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serial++
	return fmt.Sprint("kit-", r.serial)
}

func configure(t testing.TB, conn *host.Conn, k *kit, name string, settings Settings) (*host.Component, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := conn.Configure(ctx, k.described.ID(), name, sdk.Config{Instance: name, Body: body(t, settings)})
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Configure did not return within %s, with the settings %v", patience, settings)
	}
	if errors.Is(err, sdk.ErrPanic) {
		t.Errorf("Configure panics with the settings %v: %v", settings, err)
	}
	return c, err
}

// open creates an instance that is closed at the end of the test.
func (r *rig) open(more Settings) *host.Component {
	r.t.Helper()
	c, err := r.configure(more)
	if err != nil {
		r.t.Fatalf("the settings %v are refused: %v%s", r.kit.merge(more), err, r.kit.hint())
	}
	return c
}

// hint names a required setting that is missing.
func (k *kit) hint() string {
	for _, a := range k.described.Schema.Attributes {
		if _, given := k.needed[a.Name]; a.Required && !given {
			return fmt.Sprintf(" (the setting %q is required: give the kit one by sdktest.With)", a.Name)
		}
	}
	return ""
}

// close closes an instance, and fails the test if that takes too long.
func (r *rig) close(c *host.Component) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := c.Close(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		r.t.Errorf("the instance was not closed within %s: either Close hangs, or a call goes on although its context has ended", patience)
	case err != nil:
		r.t.Errorf("Close fails: %v", err)
	}
}

// last returns the instance that was made last.
func (r *rig) last() sdk.Component {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.made[len(r.made)-1]
}
