package channel

// Skip is the code of why a candidate is skipped; "" if it is not.
type Skip string

// The reasons why a channel or a key is skipped.
const (
	SkipPaused         Skip = "paused"
	SkipCheckFailed    Skip = "check_failed"
	SkipBreakerOpen    Skip = "breaker_open"
	SkipBreakerProbing Skip = "breaker_probing"
	SkipFull           Skip = "full"
	SkipRateLimited    Skip = "rate_limited"
	SkipCooldown       Skip = "cooldown" // by a health check
	SkipInvalidKey     Skip = "invalid_key"
	SkipQuotaSpent     Skip = "quota_spent"
	SkipNoKey          Skip = "no_key"
	SkipModelNotServed Skip = "model_not_served"
	SkipBlocked        Skip = "blocked"
	SkipNoEgress       Skip = "no_egress"
	SkipNoAccess       Skip = "no_access"
	SkipNoModel        Skip = "no_model"
	SkipNoEndpoint     Skip = "no_endpoint"
	SkipRetryBudget    Skip = "retry_budget"
	SkipManyKeysTried  Skip = "many_keys_tried"
	SkipAlreadyTried   Skip = "already_tried"
	SkipNotPlanned     Skip = "not_planned"
	SkipAtLimit        Skip = "at_limit" // of the configuration
	SkipSuspect        Skip = KeySuspect // in a record: it would have been used last
)

var skipTexts = map[Skip]string{
	SkipPaused:         "paused",
	SkipCheckFailed:    "the health check failed",
	SkipBreakerOpen:    "too many failures in a row (the breaker is open)",
	SkipBreakerProbing: "a request is testing it (the breaker is half-open)",
	SkipFull:           "its limit of requests in flight is reached",
	SkipAtLimit:        "at its limit",
	SkipRateLimited:    "rate limited",
	SkipCooldown:       "cooling down",
	SkipInvalidKey:     "invalid key",
	SkipQuotaSpent:     "out of quota",
	SkipNoKey:          "no key is usable",
	SkipModelNotServed: "does not serve the model",
	SkipBlocked:        "the site refuses this address",
	SkipNoEgress:       "no egress works",
	SkipNoAccess:       "no access to the model",
	SkipNoModel:        "the site does not have the model",
	SkipNoEndpoint:     "the site does not have the endpoint",
	SkipRetryBudget:    "too many retries on failing channels",
	SkipManyKeysTried:  "the maximum number of its keys was tried",
	KeySuspect:         "suspect, used last",
	SkipAlreadyTried:   "already tried",
	SkipNotPlanned:     "not in the plan",
}

// Text describes the code in words. An unknown code, for example from a newer
// program, is returned as it is.
func (s Skip) Text() string {
	if text, ok := skipTexts[s]; ok {
		return text
	}
	return string(s)
}

// The states of a key that is usable; otherwise its state is the [Skip] that
// applies.
const (
	KeyReady   = "ready"
	KeySuspect = "suspect" // usable, but used last
)

// State returns the code of the key's state.
func (v KeyView) State() string {
	switch {
	case v.Skip != "":
		return string(v.Skip)
	case v.Suspect:
		return KeySuspect
	}
	return KeyReady
}
