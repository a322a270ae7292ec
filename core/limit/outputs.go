package limit

import "sync"

// Outputs keeps the average length of the answers of each model.
type Outputs struct {
	mu   sync.Mutex
	mean map[string]float64
}

const (
	firstOutput = 500 // tokens, before the first answer
	maxOutputs  = 500 // models
)

// Expect returns how many tokens an answer of the model is expected to have, but no
// more than most; 0 is no bound.
func (o *Outputs) Expect(model string, most int) int {
	o.mu.Lock()
	mean, known := o.mean[model]
	o.mu.Unlock()
	if !known {
		mean = firstOutput
	}
	if most > 0 {
		return min(int(mean), most)
	}
	return int(mean)
}

// Observe records an answer of the model.
func (o *Outputs) Observe(model string, tokens int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mean, known := o.mean[model]
	switch {
	case known:
		mean += 0.1 * (float64(tokens) - mean)
	case len(o.mean) >= maxOutputs:
		return
	case o.mean == nil:
		o.mean = map[string]float64{}
		fallthrough
	default:
		mean = float64(tokens)
	}
	o.mean[model] = mean
}
