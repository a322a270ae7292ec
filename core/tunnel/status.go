package tunnel

import "time"

// State is how a tunnel is.
type State string

// The states of a tunnel.
const (
	Connecting State = "connecting"
	Up         State = "up"       // every forward answers
	Degraded   State = "degraded" // some forward does not
	Waiting    State = "waiting"  // for the next try
	Failed     State = "failed"   // somebody has to do something; it is tried again now and then
)

// Status is a tunnel as it is now.
type Status struct {
	Name      string
	Host      string // as configured
	User      string // "" until it is known
	State     State
	Since     time.Time
	LastError string    // "" while it is up
	NextTry   time.Time // of a tunnel that waits or has failed
	Probe     time.Duration
	Forwards  []Forward
	Notes     []string // what works less well than it could, and what to do

	Connects uint64 // how often a connection was made
	Accepted uint64 // connections that came through
	Active   int64  // of them, those that are open
	In, Out  uint64 // bytes
}

// Forward is a forward as it is now.
type Forward struct {
	Remote  string // the address, as it was opened
	Channel string // "": the unified entry
	State   string
	Error   string
	Probe   time.Duration
}

// Change is a change of state, to be told.
type Change struct {
	Tunnel  string
	State   State
	Bad     bool // worth a warning
	Message string
}
