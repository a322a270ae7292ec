package admin

import "time"

// Plugins is GET /api/plugins.
type Plugins struct {
	Calls     uint64          `json:"calls"` // made to plugins since the start
	Processes []Process       `json:"processes"`
	Refused   []RefusedPlugin `json:"refused"` // executables that are there, but are not used
}

// Process is one plugin's process.
type Process struct {
	Plugin     string      `json:"plugin"` // "built-in" or the plugin's name
	Version    string      `json:"version,omitempty"`
	Source     string      `json:"source"`           // "built-in" or the executable's path
	SHA256     string      `json:"sha256,omitempty"` // of the executable
	Lock       string      `json:"lock"`             // "locked", or "built-in", which needs none
	State      string      `json:"state"`
	PID        int         `json:"pid,omitempty"`
	Since      *time.Time  `json:"since,omitempty"` // when the process was started
	Restarts   int         `json:"restarts"`
	Protocol   int         `json:"protocol,omitempty"`
	LastError  string      `json:"lastError,omitempty"`
	Components []Component `json:"components"`
}

// Component is what a plugin offers.
type Component struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Doc    string   `json:"doc,omitempty"`
	UsedAt []string `json:"usedAt,omitempty"` // file:line of the blocks that name it
	Uses   []Use    `json:"uses,omitempty"`
}

// Use is one use of a component.
type Use struct {
	For       string     `json:"for"`             // such as "route /v1/**"
	Where     string     `json:"where,omitempty"` // file:line; "" if it is there by default
	Plan      uint64     `json:"plan,omitempty"`  // sequence number
	PlannedAt *time.Time `json:"plannedAt,omitempty"`
	Makeshift bool       `json:"makeshift,omitempty"` // the core's own plan serves, as the component gives none
}

// RefusedPlugin is an executable that is not used, and why.
type RefusedPlugin struct {
	Plugin string `json:"plugin"`
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Lock   string `json:"lock,omitempty"` // what the lock file says: locked, not locked, changed, other platform
	Reason string `json:"reason"`
}
