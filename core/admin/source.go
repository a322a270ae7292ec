package admin

import "context"

// Source is the running program. Its errors are of type [Error] where the caller
// should learn more than that something failed.
type Source interface {
	Status() Status
	Ready() error // why no request would be answered now
	Channels() []Channel
	Routes() []Route
	Tunnels() []Tunnel
	Plugins() Plugins
	Stats() Summary
	Explain(Question) (Explanation, error)

	// Toggle pauses or resumes a channel, the other way round from now if
	// enabled is nil, and says how it is then. Prefer makes it the first choice
	// of its routes, or ends that. Check makes its health check now.
	Toggle(channel string, enabled *bool) (bool, error)
	Prefer(channel string, on bool) error
	Check(ctx context.Context, channel string) (Checked, error)

	// Models asks a channel's site for its models, and Try sends one real request
	// to it.
	Models(ctx context.Context, channel string) (Models, error)
	Try(ctx context.Context, channel string, t Trial) (Tried, error)

	// The edits of the configuration change its files and apply them, or do
	// neither.
	AddChannel(context.Context, ChannelSpec, Match) (Reload, error)
	ChangeChannel(ctx context.Context, name string, changed ChannelSpec, m Match) (Reload, error)
	RemoveChannel(ctx context.Context, name string, m Match) (Reload, error)
	AddKey(ctx context.Context, channel string, key KeySpec, m Match) (Key, Reload, error)
	RemoveKey(ctx context.Context, channel, key string, m Match) (Reload, error)
	Text(context.Context) (Text, error)
	Replace(context.Context, Draft, Match) (Reload, error)

	// Reload applies the configuration as it is in its files; generation is the
	// one that is to be replaced, 0 for any. Plan says what that would do, with
	// the draft in the place of a file if there is one.
	Reload(ctx context.Context, cause string, generation uint64) Reload

	// RestartPlugin has a new process take the place of a plugin's, of the
	// executable that is there now. If that cannot be, the old one stays.
	RestartPlugin(ctx context.Context, name string) (Reload, error)
	Plan(ctx context.Context, draft *Draft) (Reload, error)
}
