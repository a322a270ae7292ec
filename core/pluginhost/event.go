package pluginhost

import (
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// EventType says what happened to a plugin's process.
type EventType string

// The types of event.
const (
	EventStarted      EventType = "started"
	EventStartFailed  EventType = "start_failed"
	EventExited       EventType = "exited"        // without having been asked to
	EventUnresponsive EventType = "unresponsive"  // and therefore killed
	EventRestarted    EventType = "restarted"     // and its instances configured again
	EventQuarantined  EventType = "quarantined"   // not started again until asked to
	EventConfigFailed EventType = "config_failed" // one instance, on a restarted process
	EventStopped      EventType = "stopped"
	EventRefused      EventType = "refused" // the lock file does not let it run
)

// Event tells what happened to a plugin's process.
type Event struct {
	Type    EventType
	Plugin  string // "" for the built-ins
	PID     int    // 0 if there is no process
	Message string // a sentence for the user
}

// State is where a plugin's process is in its life.
type State string

// The states.
const (
	StateStarting    State = "starting"
	StateRunning     State = "running"
	StateRestarting  State = "restarting" // down, or not configured again yet
	StateQuarantined State = "quarantined"
	StateStopped     State = "stopped"
	StateLeaving     State = "leaving" // another took its place; it ends with its last request
)

// ProcessStatus is what [Host.List] tells of one plugin.
type ProcessStatus struct {
	Name       string // "" for the built-ins
	Version    string
	Source     string // "built-in", or the path of the executable
	SHA256     string // of the executable; "" for the built-ins
	PID        int    // 0 if there is no process
	Since      time.Time
	State      State
	Restarts   int
	LastError  string // why the last process ended, or did not start
	Protocol   int
	Components []ComponentStatus
	Instances  []string // what they are for, as given to Open
}

// ComponentStatus names a component of a plugin.
type ComponentStatus struct {
	Kind sdk.Kind
	Name string
	Doc  string
}
