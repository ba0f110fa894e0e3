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
	{"imports overtake one that waits for its rows", "ingest/internal/partition/lane.go",
		"	return false\n}\n\n// dropImports", "	return v.outcome == load\n}\n\n// dropImports", model},
	{"an import is refused by a state that others have left behind", "ingest/internal/partition/lane.go",
		"		if !*confirmed {", "		if *confirmed = true; !*confirmed {", []string{"./ingest/internal/partition", "-run", "TestImports"}},
}
