package tunnel

import (
	"time"

	"github.com/aitunnel/aitunnel/core/sshclient"
)

// State is the state of a tunnel, as a code.
type State string

// The states of a tunnel.
const (
	Connecting State = "connecting"
	Up         State = "up"       // every forward answers
	Degraded   State = "degraded" // some forward does not
	Waiting    State = "waiting"  // to connect again
	Failed     State = "failed"   // needs attention; retried rarely
)

// Text returns the state in words.
func (s State) Text() string {
	switch s {
	case Connecting:
		return "connecting"
	case Up:
		return "up"
	case Degraded:
		return "degraded"
	case Waiting:
		return "waiting to connect again"
	case Failed:
		return "failed, needs attention"
	}
	return string(s)
}

// condition returns the state that Status.Since refers to: Up, Degraded, or Connecting
// for all states in which the tunnel is down. Retries do not change it.
func (s State) condition() State {
	if s == Waiting || s == Failed {
		return Connecting
	}
	return s
}

// ForwardState is the state of a forward, as a code.
type ForwardState string

// The states of a forward.
const (
	ForwardClosed  ForwardState = "closed"  // there is no connection to open it on
	ForwardOpen    ForwardState = "open"    // it answers
	ForwardRefused ForwardState = "refused" // the host does not open it
	ForwardSilent  ForwardState = "silent"  // it is open, but requests sent to it do not arrive
)

// Text returns the state in words.
func (s ForwardState) Text() string {
	switch s {
	case ForwardClosed:
		return "not open"
	case ForwardOpen:
		return "open"
	case ForwardRefused:
		return "refused by the host"
	case ForwardSilent:
		return "open, but does not answer"
	}
	return string(s)
}

// Steps of a tunnel, after those of its connection.
const (
	StepCommand sshclient.Step = "command"
	StepForward sshclient.Step = "forward"
	StepProbe   sshclient.Step = "probe"
)

// StepText returns what a step does, in words.
func StepText(s sshclient.Step) string {
	switch s {
	case sshclient.StepResolve:
		return "find the host"
	case sshclient.StepConnect:
		return "connect"
	case sshclient.StepHostKey:
		return "check the host key"
	case sshclient.StepLogin:
		return "log in"
	case StepCommand:
		return "run a command"
	case StepForward:
		return "open the forward"
	case StepProbe:
		return "send a request through it"
	}
	return string(s)
}

// Status is the current status of a tunnel. It is not changed once it is published.
type Status struct {
	Name      string
	Host      string // as configured
	User      string // "" until it is known
	State     State
	Since     time.Time               // when it became up, degraded, or down; retries do not change it
	LastError string                  // "" while it is up
	HostKey   *sshclient.UntrustedKey // if the error is about it
	NextTry   time.Time               // when a tunnel that is down, or its forwards that are not open, are tried again
	Probe     time.Duration
	Forwards  []Forward
	Notes     []string // limitations, and what to do about them

	Connects uint64 // how often it connected
	Accepted uint64 // connections that its forwards accepted
	Active   int64  // those of them that are open
	In, Out  uint64 // bytes received and sent
}

// Forward is the current status of a forward.
type Forward struct {
	Remote  string // the address, as it was opened
	Channel string // "": requests go to the routes
	State   ForwardState
	Error   string
	Probe   time.Duration // 0 while it is open: it cannot be checked
}

// Change reports a change of state, or another event.
type Change struct {
	Tunnel  string
	State   State
	Bad     bool // worth a warning
	Message string
}
