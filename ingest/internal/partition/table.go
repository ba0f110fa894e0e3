package partition

// clean marks an entry that was read from the view and not changed since: it
// can be dropped at any time and read again.
const clean int64 = -1

// entry is what is known of one key. It is complete and current: every counting
// record up to the end of the log as the state knows it is in it.
type entry[K comparable, V any] struct {
	key          K
	value        V
	changed      int64 // offset of the last change seen in the log, or clean
	older, newer *entry[K, V]
}

// table holds entries in order of use, so that what is dropped is what was
// used least recently. The order is deterministic: a simulation can replay it.
type table[K comparable, V any] struct {
	index          map[K]*entry[K, V]
	oldest, newest *entry[K, V]
	vain           vain
}

// vain remembers a search that found nothing to drop: it need not be repeated
// before the view has moved on, or something clean has come. Without it every
// batch would look at the same entries again while the sinks stand still.
type vain struct {
	progress int64
	depth    int // 0: none
}

func newTable[K comparable, V any]() table[K, V] {
	return table[K, V]{index: map[K]*entry[K, V]{}}
}

func (t *table[K, V]) len() int { return len(t.index) }

// get finds a key and marks it as used.
func (t *table[K, V]) get(key K) (V, bool) {
	e := t.index[key]
	if e == nil {
		var none V
		return none, false
	}
	t.unlink(e)
	t.link(e)
	return e.value, true
}

// put sets what is known of a key. changed is the offset of the record that
// says so, or clean.
func (t *table[K, V]) put(key K, value V, changed int64) {
	e := t.index[key]
	if e == nil {
		e = &entry[K, V]{key: key}
		t.index[key] = e
	} else {
		t.unlink(e)
	}
	e.value, e.changed = value, changed
	if changed == clean {
		t.vain.depth = 0
	}
	t.link(e)
}

// load puts what the view says of a key, unless the log has said something
// already: records that were applied while the load was under way win.
func (t *table[K, V]) load(key K, value V) {
	if t.index[key] == nil {
		t.put(key, value, clean)
	}
}

// forget drops what was read from the view of a key, so that it is read again.
func (t *table[K, V]) forget(key K) {
	if e := t.index[key]; e != nil && e.changed == clean {
		t.unlink(e)
		delete(t.index, key)
	}
}

// evict drops entries beyond limit, least recently used first, if the view has
// them: clean ones, and those last changed before progress. It looks at no
// more than scan entries. dropped is the number of changed entries that only
// the view's progress allowed to go: their going moves the eviction watermark.
func (t *table[K, V]) evict(limit int, progress int64, scan int) (dropped int) {
	if t.vain.progress == progress && scan <= t.vain.depth {
		return 0
	}
	before, depth := len(t.index), scan
	e := t.oldest
	for ; e != nil && len(t.index) > limit && scan > 0; scan-- {
		next := e.newer
		if e.changed < progress {
			if e.changed != clean {
				dropped++
			}
			t.unlink(e)
			delete(t.index, e.key)
		}
		e = next
	}
	t.vain = vain{}
	if len(t.index) == before && before > limit {
		t.vain = vain{progress, depth}
	}
	return dropped
}

func (t *table[K, V]) unlink(e *entry[K, V]) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		t.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		t.newest = e.older
	}
	e.older, e.newer = nil, nil
}

func (t *table[K, V]) link(e *entry[K, V]) {
	e.older = t.newest
	if t.newest != nil {
		t.newest.newer = e
	} else {
		t.oldest = e
	}
	t.newest = e
}
