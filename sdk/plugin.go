package sdk

import "encoding/json"

// Plugin describes a plugin, for [Serve].
type Plugin struct {
	Name       string    // as in aitunnel-plugin-NAME
	Version    string    // semantic version, without a leading v
	Doc        string    // optional: what the plugin is for
	Components []Factory // may be empty if there are Verdicts

	// Verdicts are rules for the answers of certain sites: the HCL text of verdict
	// blocks, as in a configuration. They apply to channels with verdicts = ["NAME"].
	Verdicts string
}

// Factory makes instances of one component.
type Factory struct {
	Name string
	Doc  string // one sentence, then paragraphs: shown by `aitunnel plugin info`

	// Settings is a struct, or a pointer to one, with the defaults of the component's
	// settings. Its fields have the tags hcl:"name" or hcl:"name,optional" (for nested
	// blocks "name,block" and "name,label") and doc:"…", and optionally enum:"a,b" and
	// sensitive:"true". A [time.Duration] is written as "1m30s" in the block, a [Size] as
	// "64MiB". nil: the component has no settings.
	Settings any

	// OnFailure is what is used while the component gives no plan, unless the user's block
	// sets on_failure: "round-robin" (the default), "priority", "weighted", "least-busy" or
	// "last-plan".
	OnFailure string

	// New returns a new instance, not yet configured: a [Strategy], [KeySelector] or
	// [HealthChecker]. Its type decides the kind of the component.
	New func() Component
}

// Size is a number of bytes, written with a unit in a configuration.
type Size int64

// Config is the block of one instance, already checked against the schema: see
// [Config.Decode]. In Body a nested block is an object, repeated ones are a
// list, and labeled ones an object by label.
type Config struct {
	Instance string          `json:"instance"` // the route or channel that it is for, for logs
	Body     json.RawMessage `json:"body"`     // the settings of the block, as JSON

	// Members are the names of the channels of the route (for a strategy) or the labels of
	// the keys of the channel (for a key selector), so that Configure can check names in
	// its block. Keys without a label are not included. nil: not known, for example in
	// "aitunnel plugin verify"; empty: there are none (an older aitunnel sends nil).
	Members []string `json:"members,omitzero"`

	defaults any // the factory's Settings
}
