package history

import (
	"context"
	"slices"
	"strings"
)

// Key is a key of the configuration. Its ID changes with its label and with the address of its
// channel, its print does not, so that what was done with it before is found.
type Key struct {
	Channel string
	ID      string
	Print   string // of its value, which it does not reveal
	Name    string // in lists
}

// SetKeys sets the keys that exist from now on.
func (s *Store) SetKeys(keys []Key) {
	if now := s.keys.Load(); now != nil && slices.Equal(*now, keys) {
		return // as after most reloads
	}
	s.keys.Store(&keys)
	s.nudge()
}

// storeKeys writes the keys, unless they are in the file.
func (f *file) storeKeys(keys *[]Key) error {
	if keys == nil || f.keys == keys {
		return nil
	}
	ctx := context.Background()
	tx, err := f.writing.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err = tx.ExecContext(ctx, "UPDATE keys SET present = 0"); err != nil {
		return err
	}
	for _, k := range *keys {
		const add = `INSERT INTO keys (channel, id, print, name, present) VALUES (?, ?, ?, ?, 1)
			ON CONFLICT (channel, id) DO UPDATE SET print = excluded.print, name = excluded.name, present = 1`
		if _, err = tx.ExecContext(ctx, add, k.Channel, k.ID, k.Print, k.Name); err != nil {
			return err
		}
	}
	if err = tx.Commit(); err == nil {
		f.keys = keys
	}
	return err
}

// keyNames are the keys that the file knows.
type keyNames struct {
	all     map[[2]string]knownKey // by channel and ID
	present map[[2]string]string   // the IDs of the present ones, by channel and print
	gone    bool                   // there are some that are not present
}

type knownKey struct {
	print, name string
	present     bool
}

// readKeys reads the keys.
func readKeys(ctx context.Context, from querier) (keyNames, error) {
	n := keyNames{all: map[[2]string]knownKey{}, present: map[[2]string]string{}}
	rows, err := from.QueryContext(ctx, "SELECT channel, id, print, name, present FROM keys")
	if err != nil {
		return n, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k Key
		var present bool
		if err := rows.Scan(&k.Channel, &k.ID, &k.Print, &k.Name, &present); err != nil {
			return n, err
		}
		n.all[[2]string{k.Channel, k.ID}] = knownKey{k.Print, k.Name, present}
		if present {
			n.present[[2]string{k.Channel, k.Print}] = k.ID
		}
		n.gone = n.gone || !present
	}
	return n, rows.Err()
}

// follow returns the ID that a key has now: that of the key of the channel with the same value. If
// there is none any more, it is the ID itself.
func (n keyNames) follow(channel, id string) string {
	if !n.gone || id == "" {
		return id
	}
	for _, channel := range n.channelsOf(channel, id) {
		k := n.all[[2]string{channel, id}]
		if k.present {
			return id
		}
		if now := n.present[[2]string{channel, k.print}]; now != "" {
			return now
		}
	}
	return id
}

// channelsOf returns the channels that had a key with the ID: the given one, or any.
func (n keyNames) channelsOf(channel, id string) (all []string) {
	if channel != "" {
		return []string{channel}
	}
	for of := range n.all {
		if of[1] == id {
			all = append(all, of[0])
		}
	}
	slices.SortFunc(all, func(a, b string) int { // present ones first
		x, y := n.all[[2]string{a, id}], n.all[[2]string{b, id}]
		if x.present != y.present && x.present {
			return -1
		} else if x.present != y.present {
			return 1
		}
		return strings.Compare(a, b)
	})
	return all
}

// name returns what a key is called, of a channel or, without one, of any; "" if it is
// unknown. The name of several keys is followed by their channels. removed reports that there is
// no such key any more.
func (n keyNames) name(channel, id string) (name string, removed bool) {
	if id == "" || len(n.present) == 0 {
		return "", false
	}
	var channels []string
	removed = true
	for _, of := range n.channelsOf(channel, id) {
		k, known := n.all[[2]string{of, id}]
		if !known || name != "" && !k.present {
			continue
		}
		name, removed = k.name, !k.present
		channels = append(channels, of)
	}
	if channel != "" || name == "" {
		return name, removed
	}
	for of, other := range n.all {
		if other.name == name && of[1] != id && other.present {
			return name + " of " + strings.Join(channels, ", "), removed
		}
	}
	return name, removed
}

// ids returns the IDs of the keys that a filter names by an ID, a name, or the last characters of a
// masked name, with those that they had before.
func (n keyNames) ids(channel, filter string) (ids []string) {
	for of, k := range n.all {
		_, last, masked := strings.Cut(k.name, "…")
		if (channel == "" || isPattern(channel) || of[0] == channel) && (of[1] == filter || k.name == filter || masked && last == filter) {
			ids = append(ids, of[1])
			for other, x := range n.all {
				if other[0] == of[0] && x.print == k.print && n.follow(other[0], other[1]) == n.follow(of[0], of[1]) {
					ids = append(ids, other[1])
				}
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// withIDs returns a filter for the IDs of the keys that it names.
func (f Filter) withIDs(ctx context.Context, from querier) (Filter, error) {
	if f.Key == "" || isPattern(f.Key) {
		return f, nil
	}
	n, err := readKeys(ctx, from)
	if err != nil {
		return f, err
	}
	switch ids := n.ids(f.Channel, f.Key); {
	case len(ids) == 1:
		f.Key = ids[0]
	case len(ids) > 1:
		f.keys = ids
	}
	return f, nil
}

// KeyNames returns the names of the current keys, by "CHANNEL ID".
func (r *Reader) KeyNames(ctx context.Context) (map[string]string, error) {
	n, err := readKeys(ctx, r.db)
	out := map[string]string{}
	for of, k := range n.all {
		if k.present {
			out[of[0]+" "+of[1]] = k.name
		}
	}
	return out, err
}

// followKeys gives the keys of records the IDs that they have now.
func (r *Reader) followKeys(ctx context.Context, records []Record) error {
	var gone bool
	err := r.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM keys WHERE present = 0)").Scan(&gone)
	if err != nil || !gone {
		return err
	}
	n, err := readKeys(ctx, r.db)
	for i := range records {
		x := &records[i]
		x.Key = n.follow(x.Channel, x.Key)
		for j := range x.Attempts {
			x.Attempts[j].Key = n.follow(x.Attempts[j].Channel, x.Attempts[j].Key)
		}
		for j, o := range x.PassedOver {
			for k := range o.Keys {
				x.PassedOver[j].Keys[k].Key = n.follow(o.Channel, o.Keys[k].Key)
			}
		}
	}
	return err
}
