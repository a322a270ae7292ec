package channel

// Skip is the code of why a candidate is passed over; "" means that it is not.
type Skip string

// Why a channel or a key is passed over.
const (
	SkipPaused         Skip = "paused"
	SkipCheckFailed    Skip = "check_failed"
	SkipBreakerOpen    Skip = "breaker_open"
	SkipBreakerProbing Skip = "breaker_probing"
	SkipFull           Skip = "full"
	SkipRateLimited    Skip = "rate_limited"
	SkipInvalidKey     Skip = "invalid_key"
	SkipQuotaSpent     Skip = "quota_spent"
	SkipNoKey          Skip = "no_key"
	SkipModelNotServed Skip = "model_not_served"
	SkipAlreadyTried   Skip = "already_tried"
	SkipNotPlanned     Skip = "not_planned"
)

var skipTexts = map[Skip]string{
	SkipPaused:         "paused",
	SkipCheckFailed:    "health check fails",
	SkipBreakerOpen:    "breaker is open",
	SkipBreakerProbing: "breaker is half-open, a request is testing it",
	SkipFull:           "max_in_flight reached",
	SkipRateLimited:    "rate limited",
	SkipInvalidKey:     "invalid key",
	SkipQuotaSpent:     "out of quota",
	SkipNoKey:          "no key is usable",
	SkipModelNotServed: "does not serve the model",
	SkipAlreadyTried:   "already tried",
	SkipNotPlanned:     "not in the plan",
}

// Text describes the code in words. A code that is not known, from a newer
// program for example, is shown as it is.
func (s Skip) Text() string {
	if text, ok := skipTexts[s]; ok {
		return text
	}
	return string(s)
}

// KeyReady is the state of a key that is usable; otherwise its state is the
// [Skip] that applies.
const KeyReady = "ready"

// State is the code of the key's state: [KeyReady], or why it is passed over.
func (v KeyView) State() string {
	if v.Skip == "" {
		return KeyReady
	}
	return string(v.Skip)
}
