package sdk

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// remoteHost is the [Host] of one check, on the other side of the wire.
type remoteHost struct {
	client *wire.Client // nil: no host has attached
	check  uint64       // ID of the call that runs the check
}

func (h *remoteHost) Probe(ctx context.Context, req ProbeRequest) (ProbeResult, error) {
	var res ProbeResult
	if h.client == nil {
		return res, fmt.Errorf("%w: the host offers no probes", ErrUnavailable)
	}
	request, err := wire.Encode(req)
	if err != nil {
		return res, err
	}
	body, err := wire.Encode(wire.Probe{Call: h.check, Request: json.RawMessage(request)})
	if err != nil {
		return res, err
	}
	reply, err := h.client.Do(ctx, wire.Call{Method: wire.MethodProbe, Body: body})
	if err != nil {
		return res, err
	}
	if err := reply.Err(); err != nil {
		return res, err
	}
	return res, wire.Decode(reply.Body, &res)
}
