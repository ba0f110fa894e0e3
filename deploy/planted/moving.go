package main

// Who catches bugs where a log or another system's data moves.
var (
	mover   = []string{"./ingest/internal/move"}
	planner = []string{"./deploy/movein/plan"}
)

// inMoving are bugs where a log moves to another cluster, and where the replaced
// system's data moves in.
var inMoving = []bug{
	{"a batch that lies elsewhere passes for moved", "ingest/internal/move/move.go",
		"case err == nil && base == expected:", "case err == nil && base >= expected:", mover},
	{"what a broken-off move has written is written again", "ingest/internal/move/copy.go",
		"		l.moved++\n	}\n}\n", "		l.moved++\n		if len(l.pending) == 0 {\n			l.keep(want)\n		}\n	}\n}\n", mover},
	{"a mover that is overtaken takes the target for another's", "ingest/internal/move/move.go",
		"targetEnd, sourceEnd, err = m.endsOf(ctx, l)", "targetEnd, _, err = m.endsOf(ctx, l)", mover},
	{"a target that was refused is written to in the next round", "ingest/internal/move/move.go",
		"l.refused = err //", "err = errors.Join(err) //", mover},
	{"a source that is written to passes for a difference", "ingest/internal/move/verify.go",
		"case more && !there && want.Offset", "case false && want.Offset", mover},
	{"an erasure of nobody is done", "ingest/ingestd/move.go",
		"		if n == 0 {", "		if n < 0 {", []string{"./ingest/ingestd", "-run", "TestMove"}},
	{"a copy of another log is written to", "ingest/internal/move/open.go",
		"case opened.ID != m.openID(p):", "case false:", mover},
	{"a moved log keeps its generation", "ingest/internal/move/open.go",
		"m.from, m.next = first.Log, first.Generation+1;", "m.from, m.next = first.Log, first.Generation;", mover},
	{"missing numbers are passed over", "deploy/movein/plan/planner.go",
		"	default:\n		fill = true\n	}\n", "	default:\n	}\n", planner},
	{"rows without a parent are taken unasked", "deploy/movein/plan/planner.go",
		"choice = cmp.Or(choice, Stop)", "choice = cmp.Or(choice, \"adopt\")", planner},
}
