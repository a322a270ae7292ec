// The words for the codes of the API.

const reasons = {
  ready: 'ready',
  paused: 'paused',
  check_failed: 'health check fails',
  breaker_open: 'breaker is open',
  breaker_probing: 'breaker is half-open, a request is testing it',
  full: 'max_in_flight reached',
  rate_limited: 'rate limited',
  invalid_key: 'invalid key',
  quota_spent: 'out of quota',
  no_key: 'no key is usable',
  model_not_served: 'does not serve the model',
  already_tried: 'already tried',
  not_planned: 'not in the plan',
};

// reasonText is the text for a reason why a channel or key is passed over, or
// for the state of a key. An unknown code is shown as it is.
export const reasonText = (code) => reasons[code] ?? code;
