package admin

import "strings"

// unknownMask is the masked form of which nothing can be seen.
const unknownMask = "…"

// NameKeys sets what the keys of a channel are called: by its label, else by its
// masked form. Where keys of the channel have the same one, the beginning of its ID
// follows: sk-…cdef~356b. A key of which nothing can be seen is called by its ID.
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

// shortID returns as much of the ID as tells it from those of the other keys.
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
