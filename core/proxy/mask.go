package proxy

import "github.com/aitunnel/aitunnel/core/dialect"

// masker hides the key of the latest attempt; nil if there is none.
func (x *exchange) masker() *dialect.Masker {
	if x.attempt == nil || x.attempt.secret.IsZero() {
		return nil
	}
	return dialect.NewMasker(x.attempt.secret.Reveal())
}

// maskKept hides the key of the attempt in an answer that is kept.
func (x *exchange) maskKept(k *keptAnswer) {
	m := x.masker()
	if m == nil {
		return
	}
	k.body = m.Mask(k.body)
	m.MaskHeader(k.header)
	v := &k.outcome.verdict
	v.Message, v.Code, v.Type = m.MaskString(v.Message), m.MaskString(v.Code), m.MaskString(v.Type)
}
