package admin

import "time"

// Plugins is GET /api/plugins.
type Plugins struct {
	Calls     uint64          `json:"calls"` // calls of plugins since the start
	Processes []Process       `json:"processes"`
	Refused   []RefusedPlugin `json:"refused"`            // executables that were found and are not used
	Problems  []string        `json:"problems,omitempty"` // problems with the lock file and the files that it names
}

// Process is one plugin's process.
type Process struct {
	Plugin     string      `json:"plugin"` // "built-in" or the plugin's name
	Version    string      `json:"version,omitempty"`
	Source     string      `json:"source"`           // "built-in" or the executable's path
	SHA256     string      `json:"sha256,omitempty"` // of the executable
	Lock       string      `json:"lock"`             // a code: locked, built-in or attached
	State      string      `json:"state"`            // a code: starting, running, restarting, quarantined, stopped, leaving, or not_running without a running program
	PID        int         `json:"pid,omitempty"`
	Since      *time.Time  `json:"since,omitempty"` // when the process was started
	Restarts   int         `json:"restarts"`
	Protocol   int         `json:"protocol,omitempty"`
	LastError  string      `json:"lastError,omitempty"`
	Fallback   string      `json:"fallback,omitempty"` // why the previous version runs
	Memory     uint64      `json:"memory,omitempty"`   // resident, in bytes; absent where it is not measured
	CPU        float64     `json:"cpu,omitempty"`      // cores in use
	LogLines   int         `json:"logLines,omitempty"` // in the last second
	LogDropped uint64      `json:"logDropped,omitempty"`
	Components []Component `json:"components"`
}

// Component is a component of a plugin.
type Component struct {
	Kind     string         `json:"kind"`
	Name     string         `json:"name"`
	Doc      string         `json:"doc,omitempty"`
	Settings []Setting      `json:"settings,omitempty"` // as its plugin declares them
	UsedAt   []string       `json:"usedAt,omitempty"`   // file:line of the blocks that name it
	Uses     []ComponentUse `json:"uses,omitempty"`
}

// ComponentUse is one use of a component.
type ComponentUse struct {
	For       string     `json:"for"`             // such as "route /v1/**"
	Where     string     `json:"where,omitempty"` // file:line; "" if it is used by default
	Plan      uint64     `json:"plan,omitempty"`  // sequence number
	PlannedAt *time.Time `json:"plannedAt,omitempty"`
	CorePlan  bool       `json:"corePlan,omitempty"`  // the core plan is in use, because the component gives none
	Makeshift bool       `json:"makeshift,omitempty"` // the earlier name of corePlan
	Warnings  []string   `json:"warnings,omitempty"`  // of the plan, and current problems, with their places
	Router    *Router    `json:"router,omitempty"`
	Shadow    *Shadow    `json:"shadow,omitempty"` // it is only compared here
}

// Router counts the calls of a strategy that routes each request.
type Router struct {
	Answered uint64 `json:"answered"`
	Failed   uint64 `json:"failed"`
	Skipped  uint64 `json:"skipped"` // not called, because too many calls were in flight or it had failed before
	Paused   bool   `json:"paused"`  // it is not called for a while, after failures
	Resting  bool   `json:"resting"` // the earlier name of paused
}

// Shadow is a strategy that is only compared with a route's own.
type Shadow struct {
	Strategy  string            `json:"strategy"`
	Where     string            `json:"where,omitempty"` // file:line of its block
	Plan      uint64            `json:"plan"`            // sequence number
	PlannedAt time.Time         `json:"plannedAt"`
	Reason    string            `json:"reason,omitempty"`
	CorePlan  bool              `json:"corePlan,omitempty"`
	Makeshift bool              `json:"makeshift,omitempty"` // the earlier name of corePlan
	Since     time.Time         `json:"since"`               // when counting started
	Picks     uint64            `json:"picks"`               // requests for which it would have chosen a channel
	Agreed    uint64            `json:"agreed"`              // those for which it would have chosen the same
	Choices   map[string]uint64 `json:"choices"`             // by channel
}

// ShadowChoice is the choice of a shadow strategy for a request.
type ShadowChoice struct {
	Strategy string `json:"strategy"`
	Channel  string `json:"channel,omitempty"` // "": none
	Reason   string `json:"reason"`
}

// RefusedPlugin is an executable that is not used, and the reason.
type RefusedPlugin struct {
	Plugin string `json:"plugin"`
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Lock   string `json:"lock,omitempty"` // what the lock file says, a code: locked, not_locked, changed or other_platform
	Reason string `json:"reason"`
}
