package channel

import "time"

// maxModels is the maximum number of models with state, per key and per channel.
const maxModels = 64

// keyModel is the state of a key for one model.
type keyModel struct {
	rateLimited cooldown
	noAccess    cooldown
	mark        mark
	lastGood    time.Time
}

func (m *keyModel) restricts() bool {
	return m.rateLimited.set() || m.noAccess.set() || m.mark.count > 0
}

// model returns the state of the key for the model, which it creates if necessary.
func (k *Key) model(now time.Time, model string) *keyModel {
	if m := k.models[model]; m != nil {
		return m
	}
	if k.models == nil {
		k.models = map[string]*keyModel{}
	}
	if len(k.models) >= maxModels {
		k.forgetModel(now)
	}
	m := &keyModel{}
	k.models[model] = m
	return m
}

// forgetModel removes the model that matters least, to make room.
func (k *Key) forgetModel(now time.Time) {
	worst, least := "", 3
	var oldest time.Time
	for name, m := range k.models {
		rank := 0
		switch {
		case m.rateLimited.active(now) || m.noAccess.active(now):
			rank = 2
		case m.restricts():
			rank = 1
		}
		if rank < least || rank == least && m.lastGood.Before(oldest) {
			worst, least, oldest = name, rank, m.lastGood
		}
	}
	delete(k.models, worst)
}
