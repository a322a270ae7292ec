package price

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// File has the prices of a file in LiteLLM's format, by model.
type File map[string]Price

// MaxFile is the maximum size of such a file, in bytes.
const MaxFile = 16 << 20

// fileEntry is a model in the file. Prices are per token, in US dollars.
type fileEntry struct {
	Input      *float64 `json:"input_cost_per_token"`
	Output     *float64 `json:"output_cost_per_token"`
	CacheRead  *float64 `json:"cache_read_input_token_cost"`
	CacheWrite *float64 `json:"cache_creation_input_token_cost"`
	Reasoning  *float64 `json:"output_cost_per_reasoning_token"`
	PerRequest *float64 `json:"input_cost_per_request"`
}

// sampleEntry explains the format in the file itself.
const sampleEntry = "sample_spec"

// ReadFile parses a price file. Entries with prices for anything but tokens and requests,
// such as images or seconds, are left out.
func ReadFile(content []byte) (File, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("it is not a JSON object of models: %w", err)
	}
	file := File{}
	for model, raw := range entries {
		var e fileEntry
		if model == sampleEntry || json.Unmarshal(raw, &e) != nil || e.Input == nil && e.Output == nil && e.PerRequest == nil {
			continue
		}
		for _, n := range []*float64{e.Input, e.Output, e.CacheRead, e.CacheWrite, e.Reasoning, e.PerRequest} {
			if n != nil && *n < 0 {
				return nil, fmt.Errorf("the model %q has a negative price", model)
			}
		}
		file[model] = Price{
			Pattern: model, Currency: DefaultCurrency,
			Input: or(perMillion(e.Input), 0), Output: or(perMillion(e.Output), 0), PerRequest: or(e.PerRequest, 0),
			CacheRead: perMillion(e.CacheRead), CacheWrite: perMillion(e.CacheWrite), Reasoning: perMillion(e.Reasoning),
		}
	}
	if len(file) == 0 {
		return nil, errors.New(`it has no prices: expected LiteLLM's format, { "model": { "input_cost_per_token": 1e-06, … } }`)
	}
	return file, nil
}

// DefaultCurrency is the currency of prices that name none.
const DefaultCurrency = "USD"

func perMillion(perToken *float64) *float64 {
	if perToken == nil {
		return nil
	}
	n := *perToken * 1e6
	return &n
}

// find looks up a model by its name, then without the provider in it, as in
// "openai/gpt-5".
func (f File) find(model string) (Price, bool) {
	for {
		if p, ok := f[model]; ok {
			return p, true
		}
		_, rest, more := strings.Cut(model, "/")
		if !more {
			return Price{}, false
		}
		model = rest
	}
}
