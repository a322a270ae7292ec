package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
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
// does, over all generations.
type listener struct {
	socket net.Listener
	server *http.Server
	done   sync.WaitGroup
}

// listen binds an address; setting names it to the user.
func listen(setting, address string) (*listener, error) {
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return &listener{socket: socket}, nil
}

func (l *listener) addr() string { return l.socket.Addr().String() }

func (l *listener) serve(h http.Handler, log hclog.Logger, failed chan<- error) {
	l.server = &http.Server{
		Handler:           h,
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
