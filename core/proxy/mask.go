package proxy

import (
	"bytes"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// masker hides the key of the latest attempt; nil if there is none.
func (x *exchange) masker() *dialect.Masker {
	if x.attempt == nil || x.attempt.secret.IsZero() {
		return nil
	}
	return dialect.NewMasker(x.attempt.secret.Plaintext())
}

// maskKept hides the key of the attempt in an answer that is kept.
func (x *exchange) maskKept(k *keptAnswer) {
	m := x.masker()
	if m == nil {
		return
	}
	k.body = m.Mask(k.body)
	if plain := dialect.DecodeError(k.header, k.body, maxKept); len(plain) < maxKept {
		if masked := m.Mask(plain); !bytes.Equal(masked, plain) {
			k.body = masked // a compressed answer without the key is not changed
			delete(k.header, "Content-Encoding")
		}
	}
	m.MaskHeader(k.header)
	v := &k.outcome.verdict
	v.Message, v.Code, v.Type = m.MaskString(v.Message), m.MaskString(v.Code), m.MaskString(v.Type)
}

// maskLate hides the key of the attempt in the rest of a stream, once an error was
// found in it.
func (x *exchange) maskLate(chunk []byte) []byte {
	if m := x.masker(); m != nil && x.attempt.decoder == nil {
		return m.Mask(chunk)
	}
	return chunk
}
