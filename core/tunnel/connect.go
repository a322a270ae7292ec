package tunnel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/sshclient"
)

const (
	// failedPause is the time between two attempts of a tunnel whose login or host
	// key is refused. More frequent attempts would get the address banned.
	failedPause = 5 * time.Minute

	// stableTime is how long a connection has to last for the pauses to start at the
	// shortest again.
	stableTime = 5 * time.Second

	// watchInterval is the time between two checks of the files of a failed login.
	watchInterval = 2 * time.Second
)

// errNetworkChanged aborts an attempt.
var errNetworkChanged = errors.New("the network of this machine has changed")

// connect makes one attempt. It is aborted when the network changes, since a new attempt
// is more likely to succeed than one that waits for lost packets.
func (t *tunnel) connect(ctx context.Context) (*sshclient.Client, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching, end := context.WithCancel(ctx)
	defer end()
	go func() {
		if networkChanges(watching) {
			notify(t.retry)
			cancel(errNetworkChanged)
		}
	}()
	route, err := t.findRoute(ctx)
	if err != nil {
		return nil, err
	}
	t.current.User = route.Host().User()
	t.publish()
	c, err := sshclient.Dial(ctx, route, sshclient.Options{Keepalive: t.config.Keepalive, Traffic: &t.traffic})
	if err != nil && errors.Is(context.Cause(ctx), errNetworkChanged) {
		err = &sshclient.Error{Step: sshclient.StepConnect, Text: errNetworkChanged.Error()}
	}
	return c, err
}

// findRoute returns the route to the host. It reads ssh_config again only after a reload
// or a change of its files, since reading it may run commands.
func (t *tunnel) findRoute(ctx context.Context) (*sshclient.Route, error) {
	if !t.outdated.Swap(false) && t.route != nil && stampOf(t.configFiles()) == t.routeStamp {
		return t.route, nil
	}
	r, err := t.env.ssh.Resolve(ctx, t.config)
	t.route = r
	if err == nil {
		t.outdated.Store(r.IsPartial())
		t.routeStamp = stampOf(t.configFiles())
	}
	return r, err
}

// configFiles returns the files of ssh_config.
func (t *tunnel) configFiles() []string {
	if t.route != nil {
		return t.route.ConfigFiles()
	}
	return t.env.ssh.DefaultConfigFiles()
}

// stampOf returns a value that changes when one of the files does.
func stampOf(files []string) string {
	var all strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			_, _ = fmt.Fprintln(&all, f, info.Size(), info.ModTime().UnixNano(), info.Mode(), ownerOf(info)) // never fails
		}
	}
	return all.String()
}

// waitForRetry waits until the next try is due.
func (t *tunnel) waitForRetry(ctx context.Context, err error, tries int) {
	pause, state := t.backoff(tries), Waiting
	if sshclient.IsPermanent(err) {
		pause, state = failedPause, Failed
	}
	t.setState(state, err, time.Now().Add(pause))
	ctx, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	files, route := slices.Clone(t.configFiles()), t.route
	if route != nil {
		files = append(files, route.LoginFiles()...)
	}
	go func() {
		if state == Waiting && networkChanges(ctx) || state == Failed && loginChanges(ctx, files, route) {
			cancel()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.retry:
			return
		case t.wanted = <-t.orders:
			t.reconcile()
			t.publish()
		}
	}
}

// backoff returns a random pause between the shortest one and a limit, which doubles with
// each try up to the longest pause.
func (t *tunnel) backoff(tries int) time.Duration {
	least, most := t.config.Reconnect.Min, t.config.Reconnect.Max
	bound := most
	if grown := float64(least) * math.Pow(2, float64(tries)); grown < float64(most) {
		bound = time.Duration(grown)
	}
	return least + time.Duration(rand.Int64N(int64(bound-least)+1))
}

// loginChanges returns true when one of the files that a login depends on changes, or the
// agent gets another key, and false when ctx ends.
func loginChanges(ctx context.Context, files []string, route *sshclient.Route) bool {
	read := func() string {
		if route == nil {
			return stampOf(files)
		}
		return stampOf(files) + route.AgentKeys()
	}
	before := read()
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		if read() != before {
			return true
		}
	}
}
