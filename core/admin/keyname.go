package admin

import "strings"

// unknownMask is a masked form that shows nothing.
const unknownMask = "…"

// NameKeys sets the names of the keys of a channel: the label, else the masked form. If several
// keys have the same masked form, the beginning of the ID follows: sk-…cdef~356b. A key whose
// masked form shows nothing is named by its ID.
func NameKeys(keys []Key) {
	same := map[string]int{}
	for _, k := range keys {
		same[k.Masked]++
	}
	for i := range keys {
		switch k := &keys[i]; {
		case k.Label != "":
			k.Shown = k.Label
		case k.Masked == unknownMask:
			k.Shown = k.ID
		case same[k.Masked] > 1:
			k.Shown = k.Masked + "~" + shortID(k.ID, keys)
		default:
			k.Shown = k.Masked
		}
	}
}

// shortID returns as much of the ID as distinguishes it from those of the other keys.
func shortID(id string, keys []Key) string {
	const prefix, short = "key-", 4
	id = strings.TrimPrefix(id, prefix)
	for n := short; n < len(id); n++ {
		others := 0
		for _, k := range keys {
			if strings.HasPrefix(strings.TrimPrefix(k.ID, prefix), id[:n]) {
				others++
			}
		}
		if others == 1 {
			return id[:n]
		}
	}
	return id
}

// Mask returns the masked form of the key, which differs from those of the other keys of
// its channel.
func (k Key) Mask() string {
	if k.Label == "" && k.Shown != k.ID && k.Shown != "" {
		return k.Shown
	}
	return k.Masked
}
