package admin

// unknownMask is the masked form of which nothing can be seen.
const unknownMask = "…"

// NameKeys sets what the keys of a channel are called: by its label, else by its
// masked form if that tells it from the others, else by its ID.
func NameKeys(keys []Key) {
	same := map[string]int{}
	for _, k := range keys {
		same[k.Masked]++
	}
	for i := range keys {
		switch k := &keys[i]; {
		case k.Label != "":
			k.Shown = k.Label
		case k.Masked != unknownMask && same[k.Masked] == 1:
			k.Shown = k.Masked
		default:
			k.Shown = k.ID
		}
	}
}
