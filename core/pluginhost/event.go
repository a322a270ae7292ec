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
	EventExited       EventType = "exited"        // unexpectedly
	EventUnresponsive EventType = "unresponsive"  // and was killed
	EventRestarted    EventType = "restarted"     // and its instances were configured again
	EventQuarantined  EventType = "quarantined"   // not restarted until a person restarts it, or there is a new version
	EventConfigFailed EventType = "config_failed" // one instance cannot be configured in a restarted process
	EventStopped      EventType = "stopped"
	EventRefused      EventType = "refused"  // the lock file does not allow it to run
	EventFallback     EventType = "fallback" // the previous version runs
	EventAbsent       EventType = "absent"   // the program runs without it
)

// Event reports what happened to a plugin's process.
type Event struct {
	Type    EventType
	Plugin  string // "" for the built-ins
	PID     int    // 0 if there is no process
	Message string // a sentence for the user
}

// ProcessStatus is the status of one plugin process.
type ProcessStatus struct {
	Name       string // "" for the built-ins
	Version    string
	Source     string // "built-in", or the path of the executable
	SHA256     string // of the executable; "" for the built-ins
	PID        int    // 0 if there is no process
	Since      time.Time
	State      State
	Restarts   int
	LastError  string // why the last process ended or did not start
	Protocol   int
	Fallback   string  // why the previous version runs; "" if it does not
	Memory     uint64  // resident, in bytes; 0: not measured
	CPU        float64 // cores in use
	LogLines   int     // in the last second
	LogDropped uint64  // lines dropped because of the limit
	Components []ComponentStatus
	Instances  []string // their purposes, as passed to Open
}

// ComponentStatus names a component of a plugin.
type ComponentStatus struct {
	Kind   sdk.Kind
	Name   string
	Doc    string
	Schema *sdk.Schema // nil: no settings
}
