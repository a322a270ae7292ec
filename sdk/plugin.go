package sdk

import "encoding/json"

// Plugin is what a plugin's main function passes to [Serve].
type Plugin struct {
	Name       string // as in aitunnel-plugin-NAME
	Version    string // semantic version, without a leading v
	Doc        string
	Components []Factory

	// Verdicts are rules, in HCL, for the answers of sites that the plugin knows: the
	// text of verdict blocks as in a configuration. They apply to channels with
	// verdicts = ["NAME"].
	Verdicts string
}

// Factory makes instances of one component.
type Factory struct {
	Name string
	Doc  string // one sentence, then paragraphs: shown by `aitunnel plugin info`

	// Settings is a struct, or a pointer to one, holding the defaults of the component's block. Its
	// fields carry the tags hcl:"name" or hcl:"name,optional" ("name,block",
	// "name,label" for nested ones), doc:"…", and where they apply
	// enum:"a,b", sensitive:"true". A [time.Duration] is written "1m30s" in the
	// block, a [Size] "64MiB". nil: the component takes no settings.
	Settings any

	// OnFailure is what is used while the component gives no plan, unless the block
	// says otherwise: "round-robin" (the default), "priority", "weighted",
	// "least-busy" or "last-plan".
	OnFailure string

	// New returns an empty instance: a [Strategy], [KeySelector] or
	// [HealthChecker], which decides the component's kind.
	New func() Component
}

// Size is a number of bytes, written with a unit in a configuration.
type Size int64

// Config is the block of one instance, already checked against the schema: see
// [Config.Decode]. In Body a nested block is an object, repeated ones are a
// list, and labelled ones an object by label.
type Config struct {
	Instance string          `json:"instance"` // for logs: the route or channel it is for
	Body     json.RawMessage `json:"body"`

	// Members are the names of the channels that a strategy will plan, or the labels
	// of the keys that a selector will plan, so that Configure can check names in its
	// block. Keys without a label are not in it. nil: not known, as to a test of
	// "aitunnel plugin verify"; empty: there are none (an older aitunnel leaves
	// out an empty list).
	Members []string `json:"members,omitzero"`

	defaults any // the factory's Settings
}
