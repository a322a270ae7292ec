package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
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
	server  *http.Server // nil until it serves
	handler atomic.Pointer[http.Handler]
	done    sync.WaitGroup
	leaving atomic.Bool
}

// listen binds an address; setting names it to the user. One that overlaps
// with those held, such as all interfaces where there was one, is shared with
// them for the while that they have left.
func listen(setting, address string, held []*listener) (*listener, error) {
	socket, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		socket, err = share(address, held)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%s is in use by another program: stop that, or choose another port", address)
	}
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

// serve makes h answer at the address, from now on.
func (l *listener) serve(h http.Handler, log hclog.Logger, failed chan<- error) {
	l.handler.Store(&h)
	l.leaving.Store(false)
	if l.server != nil {
		return
	}
	l.server = newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		(*l.handler.Load()).ServeHTTP(w, r)
	}), log)
	l.done.Go(func() {
		if err := l.server.Serve(l.socket); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("the port %s stopped answering: %w", l.addr(), err)
		}
	})
}

func newServer(h http.Handler, log hclog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerSize,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
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
