package main

// inImporting is about histories of other systems.
var inImporting = []bug{
	{"imports are committed before they are appended", "ingest/internal/imports/session.go",
		"s.source.Commit(bounded, s.partition, s.next)", "s.source.Commit(bounded, s.partition, s.fetched)", importer},
	{"imports of a partition that the key does not belong to are taken", "ingest/internal/imports/record.go",
		"wanted != r.Partition {", "wanted < 0 {", importer},
	{"an id of another import is taken for a repeated one", "ingest/internal/partition/draft.go",
		"		case known.exists && known.fingerprint != r.Fingerprint && r.Import:\n			return verdict{outcome: refuse, err: errOtherImport}\n", "		case known.exists && r.Import:\n			return verdict{outcome: answer, reply: known.reply}\n", model},
	{"what was told of is imported when it is read again", "ingest/internal/imports/session.go",
		"		case s.toldOf(&i.record):\n			i.settled, i.outcome = true, toldBefore\n", "", importer},
	{"imports overtake one that waits for its rows", lanePath,
		"	return false // if it is to be refused", "	return v.outcome == load // if it is to be refused", model},
	{"an import is refused by a state that others have left behind", lanePath,
		"case !m.lane.covers(c, m.state.end):", "case false && !m.lane.covers(c, m.state.end):", lane},
	{"an import is refused by a look at the log's end from before it was there", lanePath,
		"return c.submitted <= l.confirmed && l.end <= end", "return l.confirmed > 0 && l.end <= end", lane},
	{"an import is refused though its batch may yet count", lanePath,
		"case m.mayCount(now, c):", "case false && m.mayCount(now, c):", lane},
	{"a refused import waits for a batch without requests", "ingest/internal/partition/advance.go",
		"alone := m.beginImports(now); alone", "alone := len(m.queue) == 0 && m.beginImports(now); alone", lane},
	{"a large import waits for a batch without requests", lanePath,
		"m.lane.alone = first && len", "m.lane.alone = first && false && len", lane},
	{"imports on their way hold up the end", lanePath,
		"	if m.lane.closed {\n		for", "	if false {\n		for", lane},
	{"what was created in 1970 was never created", "shared/sqlview/view.go",
		"func createdAt(n int64) time.Time { return time.UnixMicro(n).UTC() }", "func createdAt(n int64) time.Time { return editedAt(n) }", rows},
}

const lanePath = "ingest/internal/partition/lane.go"

var lane = []string{"./ingest/internal/partition", "-run", "Import|Refusal"}
