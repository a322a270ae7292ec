package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Limits of what a caller may do before its request is understood.
const (
	headerTime = 10 * time.Second
	headerSize = 128 << 10
	idleTime   = 3 * time.Minute
)

// listener is one address with its server. It lives as long as the address
// does, over all generations: a server for each would lose requests on
// connections that are kept alive.
type listener struct {
	address string // as configured
	socket  net.Listener
	server  *http.Server
	done    sync.WaitGroup
	leaving atomic.Bool
}

// listen binds an address; setting names it to the user.
func listen(setting, address string) (*listener, error) {
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &settingError{setting, err}
	}
	return &listener{address: address, socket: socket}, nil
}

// settingError is about the value of one setting, which is valid in itself.
type settingError struct {
	setting string
	err     error
}

func (e *settingError) Error() string { return e.setting + ": " + e.err.Error() }
func (e *settingError) Unwrap() error { return e.err }

func (l *listener) addr() string { return l.socket.Addr().String() }

func (l *listener) serve(h http.Handler, log hclog.Logger, failed chan<- error) {
	l.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if l.leaving.Load() {
				w.Header().Set("Connection", "close")
			}
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerSize,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	l.done.Go(func() {
		if err := l.server.Serve(l.socket); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("the port %s stopped answering: %w", l.addr(), err)
		}
	})
}

// leave tells callers on kept connections to come by another address from now
// on, and closes this one when they have had the time to.
func (l *listener) leave(ctx context.Context, grace time.Duration) {
	l.leaving.Store(true)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	_ = l.shutdown(ctx) // whatever is left of it ends with ctx
}

// shutdown waits for requests under way until ctx ends, then breaks them off.
func (l *listener) shutdown(ctx context.Context) error {
	if l.server == nil {
		return l.socket.Close()
	}
	err := l.server.Shutdown(ctx)
	if ctx.Err() != nil {
		err = l.server.Close()
	}
	l.done.Wait()
	return err
}
