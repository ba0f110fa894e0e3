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
	{"imports that do not count wait for their rate", lanePath,
		"	m.lane.paced = time.Time{}\n", "", lane},
	{"imports of who has lost the lease are tried on", lanePath,
		"m.lane.dropped = m.lane.submitted", "m.lane.dropped = 0", lane},
	{"imports that were asked for again are dropped all the same", lanePath,
		"return c.submitted > l.dropped || slices.ContainsFunc(c.followers, func(f *Call) bool { return f.submitted > l.dropped })", "return c.submitted > l.dropped || slices.Contains(c.followers, nil)", lane},
	{"an importer that ends leaves its imports to the owner", "ingest/internal/imports/session.go",
		"	defer s.owner.DropImports() // or they would go on beside those of who has the lease now\n", "", []string{"./ingest/internal/imports"}},
	{"imports on their way hold up the end", lanePath,
		"if m.lane.closed || !m.lane.wanted(c) {", "if !m.lane.wanted(c) {", lane},
	{"what was created in 1970 was never created", "shared/sqlview/view.go",
		"func createdAt(n int64) time.Time { return time.UnixMicro(n).UTC() }", "func createdAt(n int64) time.Time { return editedAt(n) }", rows},
	{"a misplaced record is exported", exportPath,
		"	c := reading.Command\n", "	if c, err := command.Decode(r.Value); err == nil && reading.Verdict == command.Misplaced {\n		reading = command.Reading{Verdict: command.Counts, Command: c}\n	}\n	c := reading.Command\n", exporter},
	{"what comes after the end is exported", exportPath,
		"if r.Offset >= bounds.End {", "if false {", exporter},
	{"a failed flush is a success", exportPath,
		"	return lines, out.Flush()", "	_ = out.Flush()\n	return lines, nil", exporter},
	{"one record that cannot be read makes an application unexportable", exportPath,
		"			e.Skipped(r.Offset, reading.Reason)\n", "			return c, false, fault.New(fault.Terminal, reading.Reason)\n", exporter},
	{"another application's record is told as left out", exportPath,
		"if string(r.Key) == e.Application {", "if true {", exporter},
	{"the rest of a trimmed log passes for a history", exportPath,
		"if bounds.Start > 0 {", "if false {", exporter},
	{"a page that cannot be had is the end of the history", exportPath,
		"		if err != nil {\n			return lines, err\n		}\n		for i", "		if err != nil {\n			break\n		}\n		for i", exporter},
	{"two exports write into one file", "sinks/sinkd/export.go",
		"os.CreateTemp(filepath.Dir(path), filepath.Base(path)+\".*.partial\")", "os.OpenFile(filepath.Clean(path)+\".partial\", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)", exportedFile},
	{"half an export is left behind", "sinks/sinkd/export.go",
		"return errors.Join(err, os.Remove(f.Name()))", "return err", exportedFile},
	{"an export that is not whole is a success", "sinks/sinkd/export.go",
		"	if err != nil {\n		bar.End()\n", "	if err != nil {\n		bar.End()\n		return nil\n	}\n	if err != nil {\n", []string{"./sinks", "-run", "TestExport"}},
	{"a group that has committed nothing has committed 0", "shared/kafkaconn/offsets.go",
		"		return -1, nil\n", "		return 0, nil\n", []string{"./shared/kafkaconn", "-run", "TestOffsetsAnswered"}},
}

const exportPath = "sinks/internal/export/export.go"

// Who catches bugs where a history is taken out.
var (
	exporter     = []string{"./sinks/internal/export"}
	exportedFile = []string{"./sinks/sinkd", "-run", "TestTwoAtOnce|TestHalfAFile"}
)

const lanePath = "ingest/internal/partition/lane.go"

var lane = []string{"./ingest/internal/partition", "-run", "Import|Refusal"}
