package diff

import "strings"

// EffectCode says what a change does to the live state.
type EffectCode string

// The effects of changes.
const (
	EffectAccessGained    EffectCode = "access_gained"
	EffectAccessLost      EffectCode = "access_lost"
	EffectUseKept         EffectCode = "use_kept"
	EffectBreakersKept    EffectCode = "breakers_kept"
	EffectRecordsKept     EffectCode = "records_kept"
	EffectStateNew        EffectCode = "state_new"
	EffectStateOtherSite  EffectCode = "state_other_site"
	EffectStateKept       EffectCode = "state_kept"
	EffectChannelRemoved  EffectCode = "channel_removed"
	EffectRouteRemoved    EffectCode = "route_removed"
	EffectPlanFirst       EffectCode = "plan_first"
	EffectPlanNew         EffectCode = "plan_new"
	EffectStrategyNew     EffectCode = "strategy_new"
	EffectPluginStarts    EffectCode = "plugin_starts"
	EffectPluginStops     EffectCode = "plugin_stops"
	EffectPluginRestarts  EffectCode = "plugin_restarts"
	EffectPluginUnused    EffectCode = "plugin_unused"
	EffectVersionNew      EffectCode = "version_new" // arguments: version, old
	EffectVersionReady    EffectCode = "version_ready"
	EffectProcessNew      EffectCode = "process_new"
	EffectVerdictsNew     EffectCode = "verdicts_new"
	EffectTunnelOpened    EffectCode = "tunnel_opened"
	EffectTunnelClosed    EffectCode = "tunnel_closed"
	EffectTunnelUnchanged EffectCode = "tunnel_unchanged"
)

// effectTexts are the effects in words, with the names of their arguments in braces. The
// panel has its own, in each of its languages.
var effectTexts = map[EffectCode]string{
	EffectAccessGained:    "gets access",
	EffectAccessLost:      "loses access; what it has used is kept for a while",
	EffectUseKept:         "keeps what it has used so far",
	EffectBreakersKept:    "breakers keep their counts",
	EffectRecordsKept:     "existing records are kept",
	EffectStateNew:        "starts without state, unless it was removed recently",
	EffectStateOtherSite:  "starts without state: the old state belongs to another target",
	EffectStateKept:       "keeps its state",
	EffectChannelRemoved:  "gets no new requests; its state is kept for a while",
	EffectRouteRemoved:    "requests in flight are finished",
	EffectPlanFirst:       "gets a first plan",
	EffectPlanNew:         "gets a new plan, which continues with the state and turns of the last one",
	EffectStrategyNew:     "gets a first plan from the new strategy, which continues with the state and turns of the old one",
	EffectPluginStarts:    "starts when a block uses it",
	EffectPluginStops:     "stops when it is no longer used",
	EffectPluginRestarts:  "restarts; the old process stops when it is no longer used",
	EffectPluginUnused:    "nothing uses it",
	EffectVersionNew:      "version {version} replaces {old}",
	EffectVersionReady:    "version {version} is ready",
	EffectProcessNew:      "a new process of version {version} replaces the old one",
	EffectVerdictsNew:     "its verdicts apply to new answers",
	EffectTunnelOpened:    "is opened",
	EffectTunnelClosed:    "is closed",
	EffectTunnelUnchanged: "unchanged parts stay open",
}

// Effects returns all codes of effects.
func Effects() (all []EffectCode) {
	for code := range effectTexts {
		all = append(all, code)
	}
	return all
}

// WithEffect returns the change with an effect and its arguments, as pairs of name and
// value.
func (c Change) WithEffect(code EffectCode, args ...string) Change {
	c.EffectCode, c.Effect = code, effectTexts[code]
	for i := 0; i+1 < len(args); i += 2 {
		if c.EffectArgs == nil {
			c.EffectArgs = map[string]string{}
		}
		c.EffectArgs[args[i]] = args[i+1]
		c.Effect = strings.ReplaceAll(c.Effect, "{"+args[i]+"}", args[i+1])
	}
	return c
}
