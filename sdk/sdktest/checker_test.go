package sdktest_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// prober is a correct health checker, apart from the fault that is planted in it.
type prober struct {
	fault    string
	settings proberSettings

	mu   sync.Mutex
	last sdk.ProbeResult
}

type proberSettings struct {
	Path  string `hcl:"path,optional" doc:"What to ask for."`
	Token string `hcl:"token,optional" sensitive:"true" doc:"Goes into the path."`
}

func proberFactory(fault string) sdk.Factory {
	if fault == "needs no settings" {
		return sdk.Factory{
			Name: "prober", Doc: "Probes.", Settings: struct {
				Token string `hcl:"token" sensitive:"true" doc:"Goes nowhere."`
			}{},
			New: func() sdk.Component { return &prober{fault: fault} },
		}
	}
	return sdk.Factory{
		Name: "prober", Doc: "Probes.", Settings: proberSettings{Path: "/"},
		New: func() sdk.Component { return &prober{fault: fault} },
	}
}

func (p *prober) Configure(_ context.Context, cfg sdk.Config) error {
	if p.fault == "needs no settings" {
		p.settings.Path = "/"
		return nil
	}
	if err := cfg.Decode(&p.settings); err != nil {
		return err
	}
	if p.settings.Path == "" || p.settings.Path[0] != '/' {
		return &sdk.ConfigError{Path: []string{"path"}, Message: "it has to begin with a slash"}
	}
	return nil
}

func (p *prober) Close() error { return nil }

func (p *prober) Check(ctx context.Context, req sdk.CheckRequest, h sdk.Host) (sdk.CheckResult, error) {
	probe := sdk.ProbeRequest{Path: p.settings.Path}
	switch p.fault {
	case "probes another host":
		probe.Path = "https://api.example/"
	case "sends a credential of its own":
		probe.Header = map[string]string{"Authorization": "Bearer x"}
	case "asks for the first model":
		probe.Path = "/" + req.Models[0]
	}
	answer, err := h.Probe(ctx, probe)
	for p.fault == "tries forever" && err != nil {
		time.Sleep(time.Millisecond)
		answer, err = h.Probe(ctx, probe)
	}
	if ctx.Err() != nil {
		return sdk.CheckResult{}, ctx.Err()
	}
	if p.fault == "mixes up its callers" {
		p.mu.Lock()
		answer, p.last = p.last, answer
		p.mu.Unlock()
		if answer.Status == 0 {
			answer.Status = 200
		}
	}
	switch {
	case p.fault == "finds everything healthy":
		return sdk.CheckResult{Healthy: true}, nil
	case err != nil:
		return sdk.CheckResult{Reason: err.Error()}, nil
	case (answer.Status == 401 || answer.Status == 402 || answer.Status == 429) && p.fault != "blames the channel for the key":
		return sdk.CheckResult{}, fmt.Errorf("status %d is about the key", answer.Status)
	case answer.Status >= 400 && p.fault == "gives no reason":
		return sdk.CheckResult{}, nil
	case answer.Status >= 400:
		return sdk.CheckResult{Reason: fmt.Sprint("status ", answer.Status)}, nil
	}
	res := sdk.CheckResult{Healthy: true, Reason: "it answers", Latency: answer.Latency}
	res.Keys, err = p.keys(ctx, req, h)
	return res, err
}

// keys probes with each key, and reports those as spent that are answered with 402.
func (p *prober) keys(ctx context.Context, req sdk.CheckRequest, h sdk.Host) (all []sdk.KeyResult, err error) {
	for _, k := range req.Keys {
		probe := sdk.ProbeRequest{Path: p.settings.Path, KeyID: k.ID}
		switch p.fault {
		case "asks with the first key only":
			probe.KeyID = req.Keys[0].ID
		case "probes with a key that there is not":
			probe.KeyID = "mine"
		}
		answer, err := h.Probe(ctx, probe)
		if err != nil {
			return nil, err
		}
		r := sdk.KeyResult{ID: k.ID, State: sdk.KeyOK}
		if answer.Status == 402 {
			r.State, r.Reason = sdk.KeySpent, "nothing left"
		}
		switch p.fault {
		case "names a key of its own":
			r.ID = "mine"
		case "finds a key spent without a reason":
			r.Reason = ""
		}
		all = append(all, r)
	}
	return all, nil
}
