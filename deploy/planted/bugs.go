package main

import "slices"

// Who catches bugs: narrow runs, so that all of them take minutes.
var (
	model    = []string{"./ingest/internal/partition", "-run", "TestModel", "-model.seeds=300"}
	keyed    = []string{"./ingest/internal/partition", "-run", "TestAKey"}
	order    = []string{"./ingest/internal/partition", "-run", "TestOrder|TestATooLarge"}
	anew     = []string{"./ingest/internal/partition", "-run", "TestAViewOfAnotherLog"}
	identity = []string{"./ingest/internal/httpapi", "-run", "TestWhatIs|TestAnApplication"}
	forward  = []string{"./ingest/internal/forward"}
	lease    = []string{"./ingest/internal/lease"}
	verdict  = []string{"./shared/command", "-run", "TestRead"}
	rows     = []string{"./shared/sqlview/sqlite"}
	mysql    = []string{"./shared/sqlview/mysql", "-run", "TestConformance/a_tombstone"}
	elastic  = []string{"./shared/searchview/elastic"}
	bleve    = []string{"./shared/searchview/bleve"}
	sink     = []string{"./sinks/internal/consume"}
	reader   = []string{"./query/internal/read"}
	lists    = []string{"./query/internal/httpapi"}
	importer = []string{"./ingest/internal/imports"}
	sealing  = []string{"./shared/relay"}
)

// bugs is every bug there is to catch.
var bugs = slices.Concat(inAppending, inKeys, inViews, inReading, inReplacing, inLimiting, inSettling, inImporting, inOperating, inMoving, inSealing, inTracing)
