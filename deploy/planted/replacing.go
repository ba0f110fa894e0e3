package main

// inReplacing are bugs where one search index takes another one's place.
var inReplacing = []bug{
	{"a search takes one index for the other", "query/internal/read/search.go",
		"now.Index == index && ",
		"index != now.Index+\"-\" && ", []string{"./query/internal/read", "-run", "TestASearchOfAnIndex"}},
	{"the alias is looked at once", "shared/searchview/elastic/progress.go",
		"if x.indexUUID() == list[0].index {",
		"if true {", []string{"./shared/searchview/elastic", "-run", "TestTheAliasMoves"}},
	{"an index that is built is replaced by an empty one", "shared/searchview/elastic/prepare.go",
		"	if x.asIs {", "	if false {", []string{"./shared/searchview/elastic", "-run", "TestTakenAsItIs"}},
	{"an idle worker does not look at its view", "sinks/internal/consume/worker.go",
		"case progress.Next < next:", "case false:", []string{"./sinks/internal/consume", "-run", "TestAViewThatIsReplaced"}},
	{"an older message in the new index passes", "sinks/internal/reindex/judge.go",
		"case is.Version < was.Version:", "case false:", []string{"./sinks/internal/reindex", "-run", "TestDifferences"}},
	{"an index takes the other's place whatever their counts", "sinks/internal/reindex/compare.go",
		"if !count.agrees() || len(wrong) > 0 {",
		"if len(wrong) > 0 {", []string{"./sinks/internal/reindex", "-run", "TestTheyDiffer"}},
	{"a message is compared before the new index can have it", "sinks/internal/reindex/compare.go",
		"	if err := r.fill(ctx, crew, name); err != nil {\n		return 0, nil, err\n	}\n", "", []string{"./sinks/internal/reindex", "-run", "TestEditsGoOn"}},
}
