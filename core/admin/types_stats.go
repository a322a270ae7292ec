package admin

import "time"

// Summary is GET /api/stats. Latencies are of the time to the first byte.
type Summary struct {
	Since             time.Time              `json:"since"` // when counting started
	TotalRequests     uint64                 `json:"totalRequests"`
	TotalSuccess      uint64                 `json:"totalSuccess"`
	TotalFail         uint64                 `json:"totalFail"`
	TotalRetries      uint64                 `json:"totalRetries"`
	SuccessRate       *float64               `json:"successRate"` // of the requests, 0 to 1, failed ones being those of the usage; null without requests
	RequestsPerSecond float64                `json:"requestsPerSecond"`
	Tokens            Tokens                 `json:"tokens"`
	Channels          map[string]ChannelSums `json:"channels"`
	Models            map[string]Sums        `json:"models"`
	Windows           map[string]Sums        `json:"windows"` // 1m, 1h and 24h
}

// Sums are the totals of one channel, key, model or window: attempts of channels and keys,
// requests of models and windows.
type Sums struct {
	Requests    uint64   `json:"requests"`
	Success     uint64   `json:"success"`
	Fail        uint64   `json:"fail"`
	SuccessRate *float64 `json:"successRate"` // 0 to 1; null without requests
	Retries     uint64   `json:"retries"`
	Tokens      Tokens   `json:"tokens"`
	Latency     Latency  `json:"latency"`
}

// ChannelSums are those of a channel with its keys.
type ChannelSums struct {
	Sums
	Keys map[string]Sums `json:"keys"`
}

// Latency are quantiles in ms; 0 without samples.
type Latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`

	Samples uint64  `json:"-"` // how many were measured,
	Sum     float64 `json:"-"` // and their sum: for /metrics
}
